/** The room for a path in struct sockaddr_un, without its final zero: 107 bytes on Linux, 103 on macOS. */
export const MAX_UNIX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** Whether the kernel takes `path` for a Unix socket; Node would cut a longer one without a word. */
export function isUnixSocketPath(path: string): boolean {
  return path !== "" && !path.includes("\0") && Buffer.byteLength(path) <= MAX_UNIX_PATH_BYTES;
}
