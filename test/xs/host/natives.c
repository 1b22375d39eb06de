/* Native functions that come with the host, and the table of all of them. */
#include "natives.h"
#include "xsmc.h"

#include <stdint.h>
#include <stdlib.h>

/* nothing(buffer, offset, length, index): what a call costs that gets as many parameters as a frame has, and does nothing. */
static void nothing(xsMachine *the) { xsmcSetInteger(xsResult, 0); }

/*
 * checksum(buffer, offset, length): the Internet checksum (RFC 1071) of bytes, not complemented, in network byte order.
 * The control of natives: what it answers is easy to hold against the same in TypeScript.
 */
static void checksum(xsMachine *the) {
  /* Numbers first: converting one may collect garbage, which moves the buffer. */
  xsUnsignedValue offset = (xsUnsignedValue)xsmcToInteger(xsArg(1));
  xsUnsignedValue length = (xsUnsignedValue)xsmcToInteger(xsArg(2));
  void *data;
  xsUnsignedValue size;
  xsmcGetBufferReadable(xsArg(0), &data, &size);
  if (offset > size || length > size - offset) xsRangeError("checksum: the bytes are not all in the buffer");
  const uint8_t *bytes = (const uint8_t *)data + offset;
  uint32_t sum = 0;
  for (xsUnsignedValue at = 0; at < length; at++) sum += at & 1 ? bytes[at] : (uint32_t)bytes[at] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  xsmcSetInteger(xsResult, (xsIntegerValue)sum);
}

/*
 * fixedBuffer(byteLength): zeroed memory that never moves, to lay typed arrays over; the engine moves its own buffers.
 * The board keeps tables in such memory that another task reads. It is freed with the last reference to it.
 */
static void fixedBuffer(xsMachine *the) {
  xsIntegerValue size = xsmcToInteger(xsArg(0));
  void *data = size > 0 ? calloc(1, (size_t)size) : NULL;
  if (data == NULL) xsRangeError("fixedBuffer: no memory of this length");
  xsResult = xsNewHostObject(free);
  xsmcSetHostBuffer(xsResult, data, size);
}

const Native natives[] = {
  { "nothing", nothing, 4 },
  { "checksum", checksum, 3 },
  { "fixedBuffer", fixedBuffer, 1 },
  { NULL, NULL, 0 },
};
