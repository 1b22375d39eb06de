/**
 * The device's ports, and which interface is attached to which: the Ethernet jack as WAN today, as LAN tomorrow, or as
 * both, on two VLANs of one cable (IEEE 802.1Q-2018).
 *
 * The stack gives frames to an interface's `FramePort` and gets them by interface index, without tags; what lies between
 * is the platform's: `PatchPanel` (src/link/patchPanel.ts) over any ports that carry plain frames, or a driver.
 */

/** No VLAN: frames go untagged. It is the null VLAN ID, which means just that in a tag (table 9-2). */
export const UNTAGGED = 0;
/** VLAN identifiers that an interface may have; 4095 is reserved (table 9-2). */
export const FIRST_VLAN = 1;
export const LAST_VLAN = 4094;

/** A port of the device. */
export interface LinkPort {
  /** As the console names it, one word of at most 32 printable ASCII characters: `ethernet`, `station`, `accessPoint`. */
  readonly name: string;
  /** 48-bit station address, which all interfaces on the port have. */
  readonly mac: number;
  /** Whether it carries tagged frames, which are 4 bytes longer than others. Wi-Fi does not. */
  readonly carriesTags: boolean;
  /** Whether it can carry frames now: the cable is plugged in, the station is associated. */
  readonly isUp: boolean;
}

/** Where an interface is attached. */
export interface LinkBinding {
  /** The port's name. */
  readonly port: string;
  /** 1..4094, or `UNTAGGED`. */
  readonly vlan: number;
}

export interface LinkPorts {
  readonly ports: readonly LinkPort[];
  /** Where each interface is attached at the start, by interface index. No two are at the same place. */
  readonly defaults: readonly LinkBinding[];
  /**
   * Attaches each interface, by interface index, to a place of its own; `checkBindings` (src/link/bindings.ts) has passed
   * them, and it cannot fail. From now on, an interface's `FramePort` sends there, with the VLAN's tag and priority 0,
   * and only frames of its VLAN come in by it, without the tag. A tag with the null VLAN ID counts as none.
   *
   * A frame that came in before and waits still must not come in by the interface that has its place now.
   *
   * What is nobody's is counted in the stack's drops, as `portUnused`, `vlanUnknown`, `vlanMissing` or `vlanNested`.
   */
  attach(bindings: readonly LinkBinding[]): void;
}
