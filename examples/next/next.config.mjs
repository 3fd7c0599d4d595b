/** @type {import("next").NextConfig} */
export default {
  // Only within this repository, which has other lock files above.
  turbopack: { root: import.meta.dirname },
};
