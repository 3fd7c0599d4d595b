/** The rest of an answer, with nothing but what every browser has. */

const AGAIN_MS = 2_000;

export async function follow(answer, page) {
  let last = `.${answer.position.epoch}:${answer.position.offset}`;
  page.connection("connecting");
  await renew();
  listen();

  function listen() {
    const query = new URLSearchParams({
      channel: answer.channel,
      shape: "event",
      "last-event-id": last,
    });
    const source = new EventSource(`${answer.river}/events?${query}`, { withCredentials: true });
    source.addEventListener("token", ({ data, lastEventId }) => {
      last = lastEventId;
      page.append(data);
    });
    source.addEventListener("done", ({ data }) => {
      source.close();
      page.finish(data);
    });
    source.addEventListener("gap", () => setTimeout(() => location.reload(), AGAIN_MS));
    source.addEventListener("open", () => page.connection("connected"));
    source.addEventListener("error", async () => {
      page.connection("waiting");
      // Otherwise the browser asks again by itself, from the last event's id.
      if (source.readyState !== EventSource.CLOSED) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      await renew();
      listen();
    });
  }
}

/** Put a token into the cookie: River refuses one that has ended, and `EventSource` gives up then. */
async function renew() {
  await fetch("/river-token").catch(() => {});
}
