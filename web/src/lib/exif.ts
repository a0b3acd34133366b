/** Keep a photo's EXIF (time, place, camera) when the picture itself is made smaller. */

function segments(jpeg: Uint8Array, each: (marker: number, start: number, end: number) => boolean): void {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return
  let at = 2
  while (at + 4 <= jpeg.length && jpeg[at] === 0xff) {
    const marker = jpeg[at + 1]!
    if (marker === 0xda || marker === 0xd9) return // picture data, or the end
    const end = at + 2 + ((jpeg[at + 2]! << 8) | jpeg[at + 3]!)
    if (end > jpeg.length || end < at + 4) return
    if (each(marker, at, end)) return
    at = end
  }
}
const isExif = (b: Uint8Array, at: number): boolean => String.fromCharCode(...b.subarray(at + 4, at + 10)) === 'Exif\0\0'

/** The APP1 Exif segment with its marker, or null. */
export function exifOf(jpeg: Uint8Array): Uint8Array | null {
  let found: Uint8Array | null = null
  segments(jpeg, (marker, start, end) => {
    if (marker !== 0xe1 || !isExif(jpeg, start)) return false
    found = jpeg.slice(start, end)
    return true
  })
  return found
}

/** Orientation 1 (upright) in place: the canvas has turned the pixels already. Embedded thumbnails stay as they are. */
export function upright(exif: Uint8Array): Uint8Array {
  const out = exif.slice()
  const v = new DataView(out.buffer, out.byteOffset, out.byteLength)
  const tiff = 10
  if (out.length < tiff + 8) return out
  const little = v.getUint16(tiff) === 0x4949
  const ifd = tiff + v.getUint32(tiff + 4, little)
  if (ifd + 2 > out.length) return out
  const n = v.getUint16(ifd, little)
  for (let i = 0; i < n && ifd + 2 + 12 * (i + 1) <= out.length; i++) {
    const entry = ifd + 2 + 12 * i
    if (v.getUint16(entry, little) === 0x0112) v.setUint16(entry + 8, 1, little)
  }
  return out
}

/** The new JPEG with the old EXIF right behind its start mark. */
export function withExif(jpeg: Uint8Array, exif: Uint8Array | null): Uint8Array {
  if (!exif || jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return jpeg
  const out = new Uint8Array(jpeg.length + exif.length)
  out.set(jpeg.subarray(0, 2))
  out.set(exif, 2)
  out.set(jpeg.subarray(2), 2 + exif.length)
  return out
}

/** Width and height that fit into max, in proportion. */
export function fit(w: number, h: number, max: number): [number, number] {
  const k = Math.min(1, max / Math.max(w, h))
  return [Math.max(1, Math.round(w * k)), Math.max(1, Math.round(h * k))]
}
