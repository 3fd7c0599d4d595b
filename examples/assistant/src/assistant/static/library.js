/** The rest of an answer, with River's client library. */

export async function follow(answer, page) {
  const { River } = await import(`${answer.river}/client/river.js`);
  const river = new River({ host: answer.river, token: () => fetch("/river-token") });
  river.on("state", ({ state }) => page.connection(state));
  page.connection(river.state);
  river
    .subscribe(answer.channel, { since: answer.position })
    .on("token", page.append)
    .on("done", (state) => {
      page.finish(state);
      river.disconnect();
    })
    .on("river:error", (error) => page.problem(error.message))
    // Away for so long that River's log has no more what was missed: the app has the text.
    .on("river:gap", ({ reloadAfterMs }) => setTimeout(() => location.reload(), reloadAfterMs));
}
