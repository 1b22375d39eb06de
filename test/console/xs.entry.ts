/** The console in any engine: what a fixed dialogue prints. */
import { ConsoleSession } from "../../src/console/session.js";
import { ConsoleFixture, HOME } from "./fixture.js";

export function talk(): string {
  const porter = new ConsoleFixture();
  let output = "";
  const session = new ConsoleSession(
    porter.console,
    (text) => {
      output += text;
    },
    { isRawTerminal: true },
  );
  session.start();
  for (const line of [
    ...HOME,
    "forward add both 6000-6010 192.168.1.51 7000 from 198.51.100.0/24",
    "forward disable both 6000",
    "forward add tcp 25565x",
    "rule add allow log tcp from 198.51.100.0/24:1-1023 to self:2323 in wan",
    "rule insert 1 deny UDP to any:53",
    "rule add allow from 10.0.0.1/8",
    "mac deny 02-00-00-00-00-1F",
    "show rules",
    "show macs",
    "shw",
    "help",
    "help forward add",
    "set nat timeout udp 120",
    "show forwards",
    "show nat",
    "show sessions",
    "show ports",
    "show interfaces",
    "show arp",
    "show sockets",
    "show counters all",
    "explain tcp 198.51.100.7:4242 to wan:6001",
    "explain lan 192.168.1.50:53000 to 1.1.1.1:443 udp",
    "explain icmp 192.168.1.50 to lan",
    "explain last drop",
    "save",
    "show config",
    "show config saved",
    "show version",
    "ping 192.168.1.50",
  ]) {
    session.receive(`${line}\r`);
  }
  porter.advance(5000);
  return output;
}
