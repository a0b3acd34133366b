/** A packet as it lies in the store, or as it was refused. */
export interface Packet {
  id: number; received_at: string; at?: string | null; qn?: string | null; cn: string | null; cn_zh: string | null; cn_en: string | null; peer: string | null; raw: string
  verdict: 'good' | 'refused'; note?: string | null; readings?: number
  reason?: string | null; reason_zh?: string | null; reason_en?: string | null; clause?: string | null; detail?: string | null
  mn?: string | null; station_id?: number | null; station?: string | null; size?: number; cut?: boolean; decoded?: Decoded
}
export interface Part { name: string; zh: string | null; en: string | null; offset: number; length: number; value: string; means_zh: string | null; means_en: string | null }
export interface PacketField {
  code: string; stat: string | null; offset: number; length: number; value: string; zh: string | null; en: string | null; unit: string | null
  stat_zh?: string | null; stat_en?: string | null; means_zh?: string | null; means_en?: string | null; note_zh?: string | null; note_en?: string | null
}
/** One frame, field by field. Offsets count bytes of `raw` (of the decrypted segment when `opened`). */
export interface Decoded {
  verdict: 'good' | 'refused'; reason: string | null; reason_zh: string | null; reason_en: string | null; clause: string | null; bad_field: string | null; tolerances: string[]
  bytes: number; sealed: boolean; opened: boolean; version: number | null
  length: { given: string | null; actual: number | null; ok: boolean }; crc: { given: string | null; computed: string | null; modbus?: string | null; ok: boolean }
  parts: Part[]; fields: PacketField[]; fields_broken: boolean; raw: string
}
