import koffi from "koffi";

/** The system calls that Node does not offer. Each returns -1 on failure; `errno()` then says why. */
export interface Libc {
  read(fd: number, into: Uint8Array, bytes: number): number;
  write(fd: number, from: Uint8Array, bytes: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array | number): number;
  socketpair(domain: number, type: number, protocol: number, descriptors: Int32Array): number;
  dup3(from: number, to: number, flags: number): number;
  errno(): number;
}

/** Finds them in the running process, whose C library Node already stands on. */
export function loadLibc(): Libc {
  const process = koffi.load(null);
  const ioctl = process.func("int ioctl(int, ulong, void *)");
  const ioctlWithNumber = process.func("int ioctl(int, ulong, ulong)");
  return {
    read: process.func("long read(int, void *, size_t)"),
    write: process.func("long write(int, void *, size_t)"),
    ioctl: (fd, request, argument) =>
      typeof argument === "number" ? ioctlWithNumber(fd, request, argument) : ioctl(fd, request, argument),
    socketpair: process.func("int socketpair(int, int, int, void *)"),
    dup3: process.func("int dup3(int, int, int)"),
    errno: () => koffi.errno(),
  };
}
