/** The first thing a newcomer sees. Words between asterisks are emphasised. */
export const PICTURE = `
  *PORTER* stands in the lobby of a large building and takes every letter to the right apartment.

     the house: *203.0.113.2*                                               the internet
   ╔══════════════════════════════════════════════╗
   ║   apartments: 192.168.1.x, ports 1 … 65535   ║                  ┌─ *web server*  198.51.100.80
   ║  ┌───────────────────┐ ┌───────────────────┐ ║      ┌─────┐     │
   ║  │ *laptop* .10        │ │ *game PC* .50       │ ║  ┌───┤ ISP ├─────┤
   ║  │ two browser tabs  │ │ server, tcp 25565 │ ║  │   └─────┘     │
   ║  └─────────┬─────────┘ └─────────┬─────────┘ ║  │               └─ *friend*      198.51.100.7
   ╟────────────┴─────────┬───────────┴───────────╢  │
   ║  the lobby      *PORTER* .1     the front door ╫──┘
   ╚══════════════════════════════════════════════╝

  An IP address is a building, a port is an apartment in it, a socket is the two together. From
  outside the whole home is one building, so Porter keeps the book: which port belongs to whom.

  Every host below is a real TCP/IP stack, and every line is told from what they really did.`;
