import { exifOf, fit, upright, withExif } from './exif'

const MAX_EDGE = 2560
const KEEP_BELOW = 1_500_000

/** A photo ready to send: at most 2560 px, JPEG, with the original's EXIF. Small ones go as they are, so that their hash is the camera's. */
export async function prepare(file: File): Promise<File> {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return file
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' })
  try {
    const [w, h] = fit(picture.width, picture.height, MAX_EDGE)
    if (w === picture.width && file.size <= KEEP_BELOW) return file
    const canvas = document.createElement('canvas')
    canvas.width = w
    canvas.height = h
    const pen = canvas.getContext('2d')
    if (!pen) return file
    pen.fillStyle = '#fff'
    pen.fillRect(0, 0, w, h)
    pen.drawImage(picture, 0, 0, w, h)
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.86))
    if (!blob) return file
    const exif = file.type === 'image/jpeg' ? exifOf(new Uint8Array(await file.arrayBuffer())) : null
    const bytes = withExif(new Uint8Array(await blob.arrayBuffer()), exif && upright(exif))
    return new File([bytes as BlobPart], file.name.replace(/\.\w+$/, '') + '.jpg', { type: 'image/jpeg', lastModified: file.lastModified })
  } finally {
    picture.close()
  }
}
