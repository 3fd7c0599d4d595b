export const metadata = { title: "Guest book" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body style={{ font: "1.1rem/1.5 system-ui", maxWidth: "32rem", margin: "3rem auto" }}>
        {children}
      </body>
    </html>
  );
}
