/* The board's Ethernet: the ESP32's MAC with a PHY on RMII, or the emulator's OpenCores MAC (CONFIG_ETH_USE_OPENETH). */
#ifndef PORTER_ETHERNET_PORT_H
#define PORTER_ETHERNET_PORT_H

#include "framePort.h"

/* The one Ethernet medium, started by the first call. NULL when that fails, and then `*problem` is a sentence. */
PorterMedium *porter_ethernet_medium(const char **problem);

#endif
