/** Starts the list: `npm start`. */

import { tasksApp } from "./app.js";
import { Live } from "./live.js";
import { riverSettings } from "./settings.js";
import { Tasks } from "./tasks.js";

const { TASKS_PORT = "8090", TASKS_FILE = "tasks.json" } = process.env;
const river = riverSettings(process.env, process.cwd());
const app = tasksApp(new Tasks(TASKS_FILE), river && new Live(river));
const server = app.listen(Number(TASKS_PORT), "127.0.0.1", (error) => {
  if (error) throw error;
  const { port } = server.address();
  console.log(
    `http://127.0.0.1:${port}/ ${river ? `with River at ${river.host}` : "without River"}`,
  );
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
