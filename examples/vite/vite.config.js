import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // Only within this repository: the library is a link to a folder that has a React of its own.
  resolve: { dedupe: ["react", "react-dom"] },
  // `npm run dev` beside `npm start`: the back end answers what is not a file of the page.
  server: {
    proxy: { "/river-token": "http://127.0.0.1:8092", "/messages": "http://127.0.0.1:8092" },
  },
});
