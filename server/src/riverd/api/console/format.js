// Numbers, times and durations for people.

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (value) => (value < 100000 ? number.format(value) : short.format(value));

export function time(unixS) {
  if (!unixS) return "";
  const date = new Date(unixS * 1000);
  const today = new Date().toDateString() === date.toDateString();
  return today ? date.toLocaleTimeString() : date.toLocaleString();
}

/** The time of a day, to the millisecond. */
export function clock(unixS) {
  const date = new Date(unixS * 1000);
  return `${date.toLocaleTimeString("en-GB")}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

export function since(unixS) {
  const s = Math.max(0, Date.now() / 1000 - unixS);
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

export const bytes = (value) => (value < 1024 ? `${value} B` : value < 1048576 ? `${number.format(value / 1024)} KiB` : `${number.format(value / 1048576)} MiB`);

export const pretty = (data) => JSON.stringify(data, null, 2);
