/** What a host at the end of the way makes of the frames it gets: datagrams, put together without any mercy for overlaps. */
import { decodeIpv4 } from "./expectFrame.js";
import { naiveChecksum } from "./frames.js";

const HEADERS = 34;

/**
 * The frames with whole packets in the order in which they were complete, fragments put together under the first one's
 * header. Throws where two fragments have the same byte, for what a host makes of that is anybody's guess.
 */
export function wholeFrames(frames: readonly Uint8Array[]): Uint8Array[] {
  const wholes: Uint8Array[] = [];
  const datagrams = new Map<string, Uint8Array[]>();
  for (const frame of frames) {
    const { source, destination, protocol, identification, moreFragments, fragmentOffset } = headerOf(frame);
    if (!moreFragments && fragmentOffset === 0) {
      wholes.push(frame);
      continue;
    }
    const key = [source, destination, protocol, identification].join(" ");
    const fragments = [...(datagrams.get(key) ?? []), frame].sort(
      (one, other) => headerOf(one).fragmentOffset - headerOf(other).fragmentOffset,
    );
    const whole = joined(fragments, key);
    if (whole === undefined) datagrams.set(key, fragments);
    else datagrams.delete(key);
    if (whole !== undefined) wholes.push(whole);
  }
  return wholes;
}

function joined(fragments: readonly Uint8Array[], key: string): Uint8Array | undefined {
  let reached = 0;
  let hasHole = false;
  for (const fragment of fragments) {
    const { fragmentOffset, totalBytes } = headerOf(fragment);
    if (fragmentOffset < reached) throw new Error(`fragments of ${key} overlap at ${fragmentOffset}`);
    if (fragmentOffset > reached) hasHole = true;
    reached = fragmentOffset + totalBytes - 20;
  }
  if (hasHole || headerOf(fragments[fragments.length - 1] as Uint8Array).moreFragments) return undefined;
  const whole = new Uint8Array(HEADERS + reached);
  for (const fragment of fragments) {
    const { fragmentOffset, totalBytes } = headerOf(fragment);
    whole.set(fragment.subarray(HEADERS, 14 + totalBytes), HEADERS + fragmentOffset);
  }
  whole.set((fragments[0] as Uint8Array).subarray(0, HEADERS));
  const view = new DataView(whole.buffer);
  view.setUint16(16, 20 + reached);
  view.setUint16(20, view.getUint16(20) & 0x4000);
  view.setUint16(24, 0);
  view.setUint16(24, naiveChecksum(whole.subarray(14, HEADERS)));
  return whole;
}

function headerOf(frame: Uint8Array) {
  return decodeIpv4(frame.subarray(14));
}
