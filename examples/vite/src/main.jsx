import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RiverProvider } from "river-realtime/react";
import { Lobby } from "./lobby.jsx";
import { river } from "./river.js";

createRoot(document.querySelector("#app")).render(
  <StrictMode>
    <RiverProvider river={river}>
      <Lobby />
    </RiverProvider>
  </StrictMode>,
);
