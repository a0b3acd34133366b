import type { Field, Room } from '@/api/types'

export const field = (name: string, type: Field['type'], more: Partial<Field> = {}): Field => ({ name, zh: name, en: name, type, ...more })
export const room: Room = {
  name: 'matter', zh: '事项', en: 'Matters', map: 'point', title_field: 'title', state_field: 'state', verbs: [],
  fields: [field('id', 'id', { readonly: true }), field('version', 'int', { readonly: true }), field('grid_code', 'text', { readonly: true }), field('title', 'text', { required: true }), field('state', 'enum', { readonly: true, filter: true }),
    field('due_at', 'ms', { filter: true }), field('fine', 'money', { filter: true }), field('lon', 'real', { required: true, min: -180, max: 180 }), field('lat', 'real', { required: true, min: -90, max: 90 }), field('mn', 'text', { once: true }), field('secret', 'text')],
}
