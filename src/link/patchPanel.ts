/**
 * Connects interfaces with ports that carry frames as they are: takes VLAN tags off and puts them on, and decides which
 * interface a frame is for. Interfaces that share a port are sub-interfaces on its VLANs (a router on a stick).
 */
import type { Drops } from "../core/drops.js";
import { ETHERNET_AT, ETHERNET_HEADER_BYTES, type Frame, VLAN_TAG_BYTES } from "../core/frame.js";
import type { FramePort } from "../platform/framePort.js";
import { type LinkBinding, type LinkPort, type LinkPorts, UNTAGGED } from "../platform/linkPorts.js";
import { etherType } from "../wire/ethernet.js";
import {
  ETHERTYPE_SERVICE_VLAN,
  ETHERTYPE_VLAN,
  innerEtherType,
  insertVlanTag,
  removeVlanTag,
  TAGGED_HEADER_BYTES,
  vlanId,
} from "../wire/vlan.js";

/** A port of the device that carries frames as they are, and tagged ones where it says so. */
export type PanelPort = LinkPort & FramePort;

/** The stack behind the panel: a host. */
export interface FrameSink {
  receive(interfaceIndex: number, frame: Frame, length: number): void;
  readonly drops: Drops;
}

/** For the drops' listener: the frame got to none. */
const NO_INTERFACE = -1;

/** An interface's end: what it sends goes to its port. */
class Outlet implements FramePort {
  port: PanelPort;
  vlan: number;

  constructor(port: PanelPort, vlan: number) {
    this.port = port;
    this.vlan = vlan;
  }

  /** Of the port. */
  get mac(): number {
    return this.port.mac;
  }

  send(frame: Frame, length: number): boolean {
    const { port, vlan } = this;
    if (vlan === UNTAGGED) return port.send(frame, length);
    // The frame is the caller's, with what lies behind it: the next fragment, where a datagram is sent in several.
    const behind = frame.view.getInt32(ETHERNET_AT + length);
    insertVlanTag(frame, length, vlan);
    const taken = port.send(frame, length + VLAN_TAG_BYTES);
    removeVlanTag(frame, length + VLAN_TAG_BYTES);
    frame.view.setInt32(ETHERNET_AT + length, behind);
    return taken;
  }
}

export class PatchPanel implements LinkPorts {
  readonly ports: readonly PanelPort[];
  readonly defaults: readonly LinkBinding[];
  /** By interface index: what an interface sends by, and its station address at the start. */
  readonly outlets: readonly (FramePort & { readonly mac: number })[];
  readonly #outlets: readonly Outlet[];

  /** `defaults` have passed `checkBindings`. */
  constructor(ports: readonly PanelPort[], defaults: readonly LinkBinding[]) {
    this.ports = ports;
    this.defaults = defaults;
    this.#outlets = defaults.map(({ port, vlan }) => new Outlet(this.portOf(port), vlan));
    this.outlets = this.#outlets;
  }

  attach(bindings: readonly LinkBinding[]): void {
    bindings.forEach(({ port, vlan }, index) => {
      const outlet = this.#outlets[index] as Outlet;
      outlet.port = this.portOf(port);
      outlet.vlan = vlan;
    });
  }

  /**
   * Takes a frame of `length` bytes that came in by `port`, and hands it to the interface it is for; or counts why it is
   * for none. The tag is taken off in place; otherwise as `Host.receive`.
   */
  receive(stack: FrameSink, port: PanelPort, frame: Frame, length: number): void {
    const type = length < ETHERNET_HEADER_BYTES ? 0 : etherType(frame);
    const isTagged = type === ETHERTYPE_VLAN;
    if (isTagged && length < TAGGED_HEADER_BYTES) {
      stack.drops.count("frameTooShort", NO_INTERFACE);
      return;
    }
    const carried = isTagged ? innerEtherType(frame) : type;
    if (carried === ETHERTYPE_SERVICE_VLAN || (isTagged && carried === ETHERTYPE_VLAN)) {
      stack.drops.count("vlanNested", NO_INTERFACE);
      return;
    }
    const vlan = isTagged ? vlanId(frame) : UNTAGGED;
    const index = this.interfaceAt(port, vlan);
    if (index < 0) {
      const reason = vlan === UNTAGGED ? "vlanMissing" : "vlanUnknown";
      stack.drops.count(this.isUsed(port) ? reason : "portUnused", NO_INTERFACE);
      return;
    }
    if (!isTagged) {
      stack.receive(index, frame, length);
      return;
    }
    removeVlanTag(frame, length);
    stack.receive(index, frame, length - VLAN_TAG_BYTES);
  }

  /** The interface on that port and VLAN; -1 for none. */
  private interfaceAt(port: PanelPort, vlan: number): number {
    const outlets = this.#outlets;
    for (let i = 0; i < outlets.length; i++) {
      const outlet = outlets[i] as Outlet;
      if (outlet.port === port && outlet.vlan === vlan) return i;
    }
    return -1;
  }

  private isUsed(port: PanelPort): boolean {
    const outlets = this.#outlets;
    for (let i = 0; i < outlets.length; i++) if ((outlets[i] as Outlet).port === port) return true;
    return false;
  }

  private portOf(name: string): PanelPort {
    const port = this.ports.find((one) => one.name === name);
    if (port === undefined) throw new Error(`there is no port "${name}"`);
    return port;
  }
}
