// Unmodified pusher-js at another server of its protocol, behind the same cuts: for comparison (see smoke.py).
import { COUNT, threeCuts } from "./test/cuts.js";
import * as unmodified from "./test/river.js";

const [theirs] = await threeCuts(`private-${unmodified.name()}`, [(where) => unmodified.client(where)]);
console.log(`of ${COUNT} at ${process.argv[2]}: ${JSON.stringify(theirs)}`);
unmodified.closeAll();
process.exit();
