"use client";

import { useState } from "react";
import { River } from "river-realtime";
import { RiverProvider, useChannel, useConnection } from "river-realtime/react";
import { write } from "./actions";

/** On the server it opens nothing, and asks for no token. */
const river = new River({
  host: process.env.NEXT_PUBLIC_RIVER_HOST ?? "http://127.0.0.1:8000",
  token: () => fetch("/river-token"),
});

export function GuestBook(props) {
  return (
    <RiverProvider river={river}>
      <Entries {...props} />
    </RiverProvider>
  );
}

function Entries({ first, since }) {
  const [entries, setEntries] = useState(first);
  // `since`: what was written after the page was rendered comes too, once.
  useChannel("guests", { entry: (entry) => setEntries((before) => [...before, entry]) }, { since });
  const { state } = useConnection();
  return (
    <main>
      <h1>Guest book</h1>
      <p role="status">{state}</p>
      <ul>
        {entries.map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
      <form action={write}>
        <input name="text" aria-label="Entry" required /> <button type="submit">Write</button>
      </form>
    </main>
  );
}
