import { useState } from "react";
import { useChannel, useConnection, usePresence } from "river-realtime/react";

const send = (text) => fetch("/messages", { method: "POST", body: JSON.stringify({ text }) });

export function Lobby() {
  const [messages, setMessages] = useState([]);
  useChannel(
    "presence-lobby",
    { message: (message) => setMessages((before) => [...before, message]) },
    { history: 20 },
  );
  const { count } = usePresence("presence-lobby");
  const { state } = useConnection();

  function submit(event) {
    event.preventDefault();
    send(new FormData(event.target).get("text"));
    event.target.reset();
  }

  return (
    <main>
      <h1>Lobby</h1>
      <p role="status">{state === "connected" ? `${count} here` : state}</p>
      <ul>
        {messages.map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
      <form onSubmit={submit}>
        <input name="text" aria-label="Message" required />
        <button type="submit">Send</button>
      </form>
    </main>
  );
}
