import { River } from "river-realtime";
import { host, missed, show, token } from "./page.js";

const river = new River({ host, token });
river.subscribe("private-dogs").bind("post", show).bind("river:gap", missed);
