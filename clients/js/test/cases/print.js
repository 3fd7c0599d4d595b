/** Prints the capability table of this client as JSON; exit code 1 if it fails a case. */

import { runAll, table } from "./runner.js";

const outcomes = await runAll();
console.log(JSON.stringify(table(outcomes), null, 2));
process.exit(outcomes.some(({ result }) => result === "failed") ? 1 : 0);
