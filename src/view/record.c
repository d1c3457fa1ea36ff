/* TFRecord: each record is its length in 8 bytes, a checksum of these, the data, and a checksum of
 * the data; little-endian. Checksums are CRC-32C, rotated and shifted ("masked"), so that a
 * checksum of data with checksums in it is still good. */
#include "view/view.h"

uint32_t gti_record_crc(const void *data, size_t size)
{
    static const uint32_t nibble[16] = {/* i times x^4 in GF(2)[x], modulo 0x11edc6f41, mirrored */
                                        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                        0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const uint8_t *byte = data;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return ~crc;
}

static void put_little(uint8_t *to, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t masked(const void *data, size_t size)
{
    const uint32_t crc = gti_record_crc(data, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

bool gti_record_write(FILE *f, const void *data, size_t size)
{
    uint8_t head[12], tail[4];
    put_little(head, size, 8);
    put_little(head + 8, masked(head, 8), 4);
    put_little(tail, masked(data, size), 4);
    return fwrite(head, 1, sizeof head, f) == sizeof head && fwrite(data, 1, size, f) == size &&
           fwrite(tail, 1, sizeof tail, f) == sizeof tail;
}
