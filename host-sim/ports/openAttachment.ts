import type { Attachment } from "./attachment.js";
import { connectStream, listenStream } from "./stream.js";
import { isDeviceName, openTap } from "./tap.js";
import { isUnixSocketPath, MAX_UNIX_PATH_BYTES } from "./unixPath.js";

/** What to attach to. */
export type AttachmentAddress =
  | { readonly kind: "tap"; readonly name: string }
  | { readonly kind: "listen" | "connect"; readonly path: string };

const FORMS = "tap:NAME, stream:unix:PATH or stream:connect:unix:PATH";
const LISTEN_PREFIX = "stream:unix:";
const CONNECT_PREFIX = "stream:connect:unix:";

/** Reads `tap:NAME`, `stream:unix:PATH` or `stream:connect:unix:PATH`; throws an Error whose message is one sentence. */
export function parseAttachment(text: string): AttachmentAddress {
  if (text.startsWith("tap:")) {
    const name = text.slice("tap:".length);
    if (!isDeviceName(name)) {
      throw new Error(
        `"${text}" names no network device: a name has 1 to 15 characters without spaces, "/", ":" and "%", as in tap:lan0`,
      );
    }
    return { kind: "tap", name };
  }
  if (text.startsWith(LISTEN_PREFIX)) return { kind: "listen", path: parsePath(text, LISTEN_PREFIX) };
  if (text.startsWith(CONNECT_PREFIX)) return { kind: "connect", path: parsePath(text, CONNECT_PREFIX) };
  throw new Error(`"${text}" is not an attachment: write ${FORMS}`);
}

function parsePath(text: string, prefix: string): string {
  const path = text.slice(prefix.length);
  if (!isUnixSocketPath(path)) {
    throw new Error(
      `"${text}" names no Unix socket: a path has 1 to ${MAX_UNIX_PATH_BYTES} bytes, as in ${prefix}/tmp/porter.sock`,
    );
  }
  return path;
}

/** Opens what `parseAttachment` understood; rejects with an Error whose message is one sentence. */
export async function openAttachment(address: AttachmentAddress): Promise<Attachment> {
  switch (address.kind) {
    case "tap":
      return openTap(address.name);
    case "listen":
      return listenStream(address.path);
    case "connect":
      return connectStream(address.path);
  }
}
