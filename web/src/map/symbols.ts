import type { Mark, Shape } from '@/lib/light'

/** Outline of each shape in a 24 x 24 box: used by the legend (SVG) and by the map (canvas), so that both agree. */
export const OUTLINES: Record<Shape, string> = {
  circle: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z',
  ring: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z',
  triangle: 'M12 2.500L22.500 21H1.500z',
  square: 'M4 4h16v16H4z',
  diamond: 'M12 1L23 12L12 23L1 12z',
  bar: 'M3 9h18v6H3z',
  pentagon: 'M12 2L22 10L18 21H6L2 10z',
}

/** The symbol as a picture of size x size points, drawn twice as fine for sharp screens. */
export function draw(mark: Mark, size = 24): ImageData {
  const scale = 2
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size * scale
  const pen = canvas.getContext('2d')!
  pen.scale((size * scale) / 28, (size * scale) / 28)
  pen.translate(2, 2)
  const path = new Path2D(OUTLINES[mark.shape])
  pen.lineJoin = 'round'
  pen.strokeStyle = '#fff'
  pen.lineWidth = 4
  pen.stroke(path)
  if (mark.shape === 'ring') {
    pen.fillStyle = '#fff'
    pen.fill(path)
    pen.strokeStyle = mark.color
    pen.lineWidth = 3
    pen.stroke(path)
  } else {
    pen.fillStyle = mark.color
    pen.fill(path)
  }
  if (mark.glyph) {
    pen.fillStyle = mark.shape === 'ring' ? mark.color : '#fff'
    pen.font = 'bold 15px sans-serif'
    pen.textAlign = 'center'
    pen.textBaseline = 'middle'
    pen.fillText(mark.glyph, 12, mark.shape === 'triangle' ? 15 : 12.5)
  }
  return pen.getImageData(0, 0, canvas.width, canvas.height)
}
