import { beforeEach, describe, expect, it, test } from "vitest";
import { restore } from "../../src/console/restore.js";
import { LAN, WAN } from "../../src/gateway.js";
import { PatchPanel } from "../../src/link/patchPanel.js";
import { type LinkBinding, UNTAGGED } from "../../src/platform/linkPorts.js";
import { expectFrame } from "../support/expectFrame.js";
import { FakeLinkPort } from "../support/fakeLinkPort.js";
import { arpFrame, loadFrame, udpFrame } from "../support/frames.js";
import { taggedFrame, tagOf, untaggedFrame } from "../support/vlanFrames.js";
import { ConsoleFixture, HOME, type MemoryStorage } from "./fixture.js";

const PC_MAC = 0x020000000010;
const ROUTER_MAC = 0x020000000099;

/** A board with an Ethernet jack and Wi-Fi, whose LAN is the access point and whose WAN the jack. */
class Board extends ConsoleFixture {
  readonly ethernet: FakeLinkPort;
  readonly station: FakeLinkPort;
  readonly accessPoint: FakeLinkPort;
  readonly panel: PatchPanel;

  constructor(...defaults: LinkBinding[]) {
    const ethernet = new FakeLinkPort("ethernet", 0x02e000000001);
    const station = new FakeLinkPort("station", 0x025a00000001, false);
    const accessPoint = new FakeLinkPort("accessPoint", 0x02a900000001, false);
    station.isUp = false;
    const panel = new PatchPanel([ethernet, station, accessPoint], defaults);
    super([], panel);
    this.ethernet = ethernet;
    this.station = station;
    this.accessPoint = accessPoint;
    this.panel = panel;
  }

  arrives(port: FakeLinkPort, bytes: Uint8Array): void {
    this.panel.receive(this.gateway, port, loadFrame(bytes), bytes.length);
  }
}

const WIFI_HOME: LinkBinding[] = [
  { port: "accessPoint", vlan: UNTAGGED },
  { port: "ethernet", vlan: UNTAGGED },
];
const ONE_CABLE: LinkBinding[] = [
  { port: "ethernet", vlan: 10 },
  { port: "ethernet", vlan: 20 },
];

let board: Board;
beforeEach(() => {
  board = new Board(...WIFI_HOME);
});

describe("set interface", () => {
  it("attaches a side to a port and a VLAN, together or one after the other", () => {
    expect(board.run("set interface lan port ethernet vlan 10")).toBe("lan is on port ethernet vlan 10\n");
    expect(board.run("set interface wan vlan 20")).toBe("wan is on port ethernet vlan 20\n");
    expect(board.run("set interface wan vlan none")).toBe("wan is on port ethernet vlan none\n");
    expect(board.run("set interface wan port station")).toBe("wan is on port station vlan none\n");
    expect(board.gateway.bindings).toEqual([
      { port: "ethernet", vlan: 10 },
      { port: "station", vlan: UNTAGGED },
    ]);
  });

  it("exchanges the sides' places in one line", () => {
    expect(board.run("set interface lan port ethernet wan port accessPoint")).toBe(
      "lan is on port ethernet vlan none\nwan is on port accessPoint vlan none\n",
    );
    expect(board.run("set interface lan port accesspoint vlan none wan port ETHERNET vlan 7")).toBe(
      "lan is on port accessPoint vlan none\nwan is on port ethernet vlan 7\n",
    );
  });

  it("keeps a side's VLAN where the line has none", () => {
    board = new Board(...ONE_CABLE);
    board.run("set interface lan port ethernet wan port station vlan none");
    expect(board.gateway.bindings).toEqual([
      { port: "ethernet", vlan: 10 },
      { port: "station", vlan: UNTAGGED },
    ]);
  });

  test.each([
    ["set interface lan port usb", 'this device has no port "usb"; its ports are ethernet, station, accessPoint'],
    [
      "set interface lan port ethernet",
      "lan and wan would both be at port ethernet without a VLAN; on one port they need different VLANs, or one of them none",
    ],
    [
      "set interface lan port ethernet vlan 10 wan port ethernet vlan 10",
      "lan and wan would both be at port ethernet on VLAN 10; on one port they need different VLANs, or one of them none",
    ],
    ["set interface lan vlan 10", "port accessPoint carries no VLANs, so lan cannot be on VLAN 10 there; use none"],
    ["set interface wan vlan 0", '"0" is not a VLAN; a VLAN is a number from 1 to 4094, or none'],
    ["set interface wan vlan 4095", '"4095" is not a VLAN; a VLAN is a number from 1 to 4094, or none'],
    ["set interface wan vlan ten", '"ten" is not a VLAN; a VLAN is a number from 1 to 4094, or none'],
    ["set interface wan port \u00e9", '"?" is not the name of a port; "show interfaces" lists those there are'],
    ["set interface dmz vlan 3", '"dmz" is unknown after "set interface"; use lan or wan'],
    [
      "set interface wan vlan",
      '"set interface wan vlan" is incomplete; it needs a VLAN or none next, e.g. set interface wan vlan 10',
    ],
  ])("refuses %s in one sentence and changes nothing", (line, sentence) => {
    const { gateway } = board;
    expect(board.run(line)).toBe(`error: ${sentence}\n`);
    expect(gateway.bindings).toEqual(WIFI_HOME);
    expect(gateway.lan.mac).toBe(board.accessPoint.mac);
  });

  it("takes the first and the last VLAN", () => {
    expect(board.run("set interface wan vlan 1", "set interface wan vlan 4094")).toBe(
      "wan is on port ethernet vlan 1\nwan is on port ethernet vlan 4094\n",
    );
  });

  it("says so where the ports are fixed, and shows none", () => {
    const plain = new ConsoleFixture();
    const refused = "error: this device's ports are fixed; no other can be chosen\n";
    expect(plain.run("set interface lan port ethernet")).toBe(refused);
    expect(plain.run("set interface lan vlan 10")).toBe(refused);
    expect(plain.run("show interfaces")).not.toContain("PORT");
    expect(plain.run("show config")).toBe("# everything has its default value\n");
  });
});

it("show interfaces names each side's port and VLAN, whether the link is up, and the free ports", () => {
  board.run("set interface lan port ethernet vlan 10");
  expect(board.run("show interfaces")).toBe(
    [
      "SIDE  ADDRESS  GATEWAY   MTU  STATION            STATE",
      "lan   none     none     1500  02:e0:00:00:00:01  down: no address",
      "wan   none     none     1500  02:e0:00:00:00:01  down: no address",
      "",
      "SIDE  PORT         VLAN  LINK",
      "lan   ethernet     10    up",
      "wan   ethernet     none  up",
      "none  station            down",
      "none  accessPoint        up",
      "",
    ].join("\n"),
  );
});

describe("a side that moves", () => {
  beforeEach(() => {
    board.run(...HOME);
    board.arrives(
      board.accessPoint,
      arpFrame({ senderMac: PC_MAC, senderAddress: "192.168.1.10", targetAddress: "192.168.1.1" }),
    );
    board.arrives(
      board.ethernet,
      arpFrame({ senderMac: ROUTER_MAC, senderAddress: "203.0.113.1", targetAddress: "203.0.113.2" }),
    );
    for (const port of [board.ethernet, board.accessPoint]) port.take();
  });

  it("takes the new port's station address and announces itself there, in its VLAN", () => {
    board.run("set interface lan port ethernet vlan 10");
    expect(board.accessPoint.take()).toEqual([]);
    const [announcement, ...others] = board.ethernet.take();
    expect(others).toEqual([]);
    expect(tagOf(announcement!)).toBe("8100000a");
    expectFrame(untaggedFrame(announcement!)).arp({
      operation: "request",
      senderMac: board.ethernet.mac,
      senderAddress: "192.168.1.1",
      targetAddress: "192.168.1.1",
    });
  });

  it("forgets its neighbours, and keeps the other side's", () => {
    board.run("set interface lan port ethernet vlan 10");
    expect(board.gateway.neighbours.entries().map((one) => one.interfaceName)).toEqual(["wan"]);
  });

  it("ends the NAT sessions, for behind the port are other stations of the same addresses", () => {
    const question = udpFrame({ destinationMac: board.accessPoint.mac });
    board.arrives(board.accessPoint, question);
    expect(board.gateway.nat.sessionCount).toBe(1);
    expect(board.ethernet.take()).toHaveLength(1);
    board.run("set interface wan vlan 20");
    expect(board.gateway.nat.sessionCount).toBe(0);
    board.ethernet.take();
    board.arrives(board.accessPoint, question);
    // The router is asked for anew, in the new VLAN.
    expect(board.ethernet.take().map(tagOf)).toEqual(["81000014"]);
  });

  it("changes nothing when it is where it should be", () => {
    board.arrives(board.accessPoint, udpFrame({ destinationMac: board.accessPoint.mac }));
    board.run("set interface lan port accessPoint vlan none", "set interface wan vlan none");
    expect(board.gateway.nat.sessionCount).toBe(1);
    expect(board.gateway.neighbours.entries()).toHaveLength(2);
  });

  it("counts what comes by its old place", () => {
    board.run("set interface wan port station");
    board.arrives(board.ethernet, udpFrame());
    expect(board.run("show counters")).toContain("1  port-unused");
    board.run("set interface wan port ethernet vlan 20");
    board.arrives(board.ethernet, udpFrame());
    board.arrives(board.ethernet, taggedFrame(udpFrame(), 21));
    board.arrives(board.ethernet, taggedFrame(taggedFrame(udpFrame(), 20), 20));
    expect(board.run("show counters")).toMatch(/1 {2}vlan-unknown[\s\S]*1 {2}vlan-missing[\s\S]*1 {2}vlan-nested/);
  });

  it("has the address's conflicts on the old link behind it", () => {
    board.arrives(
      board.ethernet,
      arpFrame({ senderMac: ROUTER_MAC, senderAddress: "203.0.113.2", targetAddress: "203.0.113.2" }),
    );
    expect(board.run("show interfaces")).toContain("address conflict");
    board.run("set interface wan vlan 20");
    expect(board.run("show interfaces")).not.toContain("conflict");
  });
});

describe("show config and save", () => {
  /** A board as it comes, restored from what another saved. */
  function restored(storage: MemoryStorage, defaults: LinkBinding[]): { board: Board; problems: string[] } {
    const fresh = new Board(...defaults);
    return { board: fresh, problems: restore(fresh.console, storage) };
  }

  it("leave the ports out while they are the device's default ones", () => {
    board.run("set interface wan vlan 20", "set interface wan vlan none");
    expect(board.run("show config")).toBe("# everything has its default value\n");
  });

  it("write one line for both sides, before their addresses", () => {
    board.run(...HOME, "set interface wan vlan 20");
    expect(board.run("show config").split("\n").slice(0, 2)).toEqual([
      "set interface lan port accessPoint vlan none wan port ethernet vlan 20",
      "set lan address 192.168.1.1/24",
    ]);
  });

  const PLACES: LinkBinding[] = [
    { port: "ethernet", vlan: UNTAGGED },
    { port: "ethernet", vlan: 10 },
    { port: "ethernet", vlan: 20 },
    { port: "station", vlan: UNTAGGED },
    { port: "accessPoint", vlan: UNTAGGED },
  ];

  it("bring any two places back on a device with any default ones, the other side's among them", () => {
    const pairs = PLACES.flatMap((lan) => PLACES.filter((wan) => wan !== lan).map((wan) => [lan, wan] as const));
    for (const defaults of pairs) {
      for (const [lan, wan] of pairs) {
        const saver = new Board(...defaults);
        saver.gateway.attach(lan, wan);
        saver.run(...HOME, "save");
        const { board: fresh, problems } = restored(saver.storage, [...defaults]);
        expect(problems).toEqual([]);
        expect(fresh.gateway.bindings).toEqual([lan, wan]);
        expect(fresh.run("show config")).toBe(saver.run("show config"));
      }
    }
  });

  it("keep the rest when the places are not this device's", () => {
    board.run(...HOME, "set interface wan port station", "save");
    const fixed = new ConsoleFixture();
    expect(restore(fixed.console, board.storage)).toEqual([
      "line 1: this device's ports are fixed; no other can be chosen",
    ]);
    expect(fixed.gateway.wan.address).toBe(board.gateway.wan.address);
  });

  it("work for a script that sets one side after the other", () => {
    board = new Board(...ONE_CABLE);
    const script = ["set interface wan port ethernet vlan 30", "set interface lan port ethernet vlan 20"];
    expect(board.run(...script)).toBe("wan is on port ethernet vlan 30\nlan is on port ethernet vlan 20\n");
    expect([LAN, WAN].map((index) => board.gateway.bindings[index]?.vlan)).toEqual([20, 30]);
  });
});
