import { GuestBook } from "./guest-book";
import { river } from "./server";

/** Rendered for each request, with what stands in the book. */
export const dynamic = "force-dynamic";

export default async function Page() {
  const { publications, epoch, offset } = await river().history("guests", { limit: 20 });
  return <GuestBook first={publications.map(({ data }) => data)} since={{ epoch, offset }} />;
}
