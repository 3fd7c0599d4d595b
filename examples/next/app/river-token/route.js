import { randomUUID } from "node:crypto";
import { river } from "../server";

/** An app with a login says who asks. Here everybody is somebody else. */
export async function GET() {
  return new Response(await river().token({ user: randomUUID(), channels: ["guests"] }));
}
