/* Numbers of the property names that the board's C files use; the SDK generates them. */
#ifndef PORTER_FAKE_IDS_H
#define PORTER_FAKE_IDS_H

enum {
  xsID_byteLength = 1,
  xsID_channel,
  xsID_interfaceIndex,
  xsID_medium,
  xsID_onChanged,
  xsID_onReadable,
  xsID_onScanned,
  xsID_onStation,
  xsID_security,
  xsID_signalDbm,
  xsID_ssid,
  xsID_vlan,
  FAKE_IDS
};

#endif
