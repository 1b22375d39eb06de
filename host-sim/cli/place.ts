/** Where a side is attached at the start: `tap:lan0`, or `tap:trunk0,vlan=10` on a VLAN of it. */
import { readVlan } from "../../src/console/values.js";
import { UNTAGGED } from "../../src/platform/linkPorts.js";
import { type AttachmentAddress, parseAttachment } from "../ports/openAttachment.js";

export interface Place {
  readonly attachment: AttachmentAddress;
  /** 1..4094, or `UNTAGGED`. */
  readonly vlan: number;
}

const VLAN_SUFFIX = /,vlan=(.*)$/s;

/** Throws an Error of one sentence. */
export function parsePlace(text: string): Place {
  const suffix = VLAN_SUFFIX.exec(text);
  return {
    attachment: parseAttachment(suffix === null ? text : text.slice(0, suffix.index)),
    vlan: suffix === null ? UNTAGGED : readVlan(suffix[1] as string),
  };
}

/** Whether both are on one link, whatever their VLANs. */
export function areOnOneLink(one: Place, other: Place): boolean {
  return JSON.stringify(one.attachment) === JSON.stringify(other.attachment);
}
