/** The first things a newcomer sees. */
export const GREETING = "PORTER stands in the lobby of a large building and takes every letter to the right apartment.";

/** Words between asterisks are emphasised. */
export const PICTURE = `
   the house: *203.0.113.2*                                 the internet
  ╔═════════════════════════════════════════════╗
  ║  apartments: 192.168.1.x, ports 1 … 65535   ║
  ║ ┌───────────────────┐ ┌───────────────────┐ ║           ┌── *web server*
  ║ │ *laptop* .10        │ │ *game PC* .50       │ ║  ┌─────┐  │   198.51.100.80
  ║ │ two browser tabs  │ │ server, tcp 25565 │ ║ ┌┤ ISP ├──┤
  ║ └─────────┬─────────┘ └─────────┬─────────┘ ║ │└─────┘  │
  ╟───────────┴─────────┬───────────┴───────────╢ │         └── *friend*
  ║  the lobby     *PORTER* .1     the front door ╫─┘             198.51.100.7
  ╚═════════════════════════════════════════════╝
`;

export const LESSON =
  "An IP address is a building, a port is an apartment in it, a socket is the two together. From outside the whole home " +
  "is one building, so Porter keeps the book: which port belongs to whom.";

export const PROMISE = "Every host below is a real TCP/IP stack, and every line is told from what they really did.";
