"use server";

import { randomUUID } from "node:crypto";
import { river } from "./server";

export async function write(form) {
  await river().publish("guests", "entry", { id: randomUUID(), text: String(form.get("text")) });
}
