// The tables of the rooms as /api/v1/meta tells them, shortened.
const item = ([code, zh, en]) => ({ code, zh, en })
export const dicts = {
  matter_category: [['E01', '冒黑烟', 'Black smoke'], ['E02', '露天焚烧', 'Open burning'], ['E03', '工地扬尘', 'Construction dust'], ['E04', '物料未覆盖', 'Uncovered heap'], ['E05', '违法排口或异色水', 'Illegal outfall'], ['E06', '倾倒固体废物', 'Solid waste dumping'], ['E11', '异味', 'Odour'], ['E13', '在线监测异常或超标', 'Monitor exceedance or fault']].map(item),
  matter_origin: [['patrol', '网格巡查', 'Patrol'], ['monitor', '在线监测', 'Monitor'], ['public', '群众举报', 'Public report'], ['upper', '上级交办', 'Assigned from above']].map(item),
  matter_state: [['found', '已发现', 'Found'], ['registered', '已立案', 'Registered'], ['dispatched', '已派遣', 'Dispatched'], ['accepted', '处置中', 'Accepted'], ['handled', '待核查', 'Handled'], ['verified', '待结案', 'Verified'], ['closed', '已结案', 'Closed'], ['rejected', '不予立案', 'Rejected']].map(item),
  light: [['green', '正常', 'On time'], ['yellow', '将超期', 'Due soon'], ['red', '已超期', 'Overdue'], ['none', '无时限', 'No clock']].map(item),
  station_kind: [['air', '环境空气', 'Ambient air'], ['surface', '地表水', 'Surface water'], ['wastewater', '废水', 'Wastewater'], ['flue', '废气', 'Flue gas']].map(item),
  alarm_state: [['open', '进行中', 'Going on'], ['ended', '已结束', 'Ended']].map(item),
  permit_class: [['key', '重点管理', 'Key'], ['simple', '简化管理', 'Simplified']].map(item),
}
const F = (name, zh, en, type, flags = '', more = {}) => ({
  name, zh, en, type, required: /R/.test(flags), readonly: /O/.test(flags), once: /1/.test(flags), list: /L/.test(flags), filter: /F/.test(flags), sort: /F/.test(flags), search: /S/.test(flags), export: true,
  masked: /M/.test(flags), multiline: /T/.test(flags), shape: false, dict: null, ref: null, unit: null, ...more,
})
const base = [F('id', '编号', 'Id', 'id', 'O'), F('version', '版本', 'Version', 'int', 'O'), F('grid_code', '所属网格', 'Grid', 'text', 'OLF')]
const place = [F('lon', '经度', 'Longitude', 'real', 'RL', { unit: '°', min: -180, max: 180 }), F('lat', '纬度', 'Latitude', 'real', 'RL', { unit: '°', min: -90, max: 90 })]
const V = (name, zh, en, from, to, roles, more = {}) => ({ name, zh, en, from, to, roles, perm: true, need_note: false, need_photo: false, sets: [], danger: false, phrases: [], ...more })
const phrase = (...p) => p.map(([zh, en]) => ({ zh, en }))

export const rooms = {
  matter: {
    zh: '事项', en: 'Matters', order: 10, map: 'point', title_field: 'title', state_field: 'state', final: ['closed', 'rejected'], create: ['city', 'county', 'town', 'officer', 'admin'], edit: [], import: ['city', 'county', 'admin'],
    fields: [...base, F('no', '事件号', 'Number', 'text', 'OLFS'), F('title', '标题', 'Title', 'text', 'RLS', { max: 300 }), F('category', '类别', 'Category', 'enum', 'LF', { dict: 'matter_category' }), F('origin', '来源', 'Origin', 'enum', 'LF', { dict: 'matter_origin' }),
      F('state', '状态', 'State', 'enum', 'OLF', { dict: 'matter_state' }), F('light', '灯色', 'Light', 'enum', 'OLF', { dict: 'light' }), F('due_at', '期限', 'Due', 'ms', 'OLF'), F('description', '情况描述', 'Description', 'text', 'TS'), F('address', '地址', 'Address', 'text', 'S'), ...place,
      F('source_id', '污染源', 'Source', 'id', 'LF', { ref: 'source' }), F('station_id', '监测站点', 'Station', 'id', 'F', { ref: 'station' }), F('found_at', '发现时间', 'Found', 'ms', 'LF'), F('reporter_name', '举报人', 'Reporter', 'text', 'M'), F('officer_id', '处置人', 'Officer', 'id', 'OLF', { ref: 'account' }), F('result', '处置结果', 'Result', 'text', 'OT'), F('handled_at', '处置时间', 'Handled', 'ms', 'O'), F('closed_at', '结案时间', 'Closed', 'ms', 'OF')],
    verbs: [V('register', '立案', 'Register', ['found'], 'registered', ['city', 'county', 'town', 'admin']), V('reject', '不予立案', 'Reject', ['found'], 'rejected', ['city', 'county', 'town', 'admin'], { need_note: true, phrases: phrase(['经核实情况不属实', 'Checked: not so'], ['重复上报', 'Reported already']) }),
      V('dispatch', '派遣', 'Dispatch', ['registered', 'dispatched'], 'dispatched', ['city', 'county', 'town', 'admin'], { sets: ['officer_id!'] }), V('accept', '接收', 'Accept', ['dispatched'], 'accepted', ['officer']),
      V('return', '退回', 'Return', ['dispatched'], 'registered', ['officer'], { need_note: true, phrases: phrase(['不在本网格', 'Not in my grid'], ['不属于本人职责', 'Not my duty']) }),
      V('handle', '处置完成', 'Handled', ['accepted'], 'handled', ['officer'], { need_note: true, need_photo: true, sets: ['result'], phrases: phrase(['已现场制止并整改', 'Stopped and put right on the spot'], ['已责令停产整改', 'Ordered to stop and put right']) }),
      V('verify', '核查通过', 'Verify', ['handled'], 'verified', ['city', 'county', 'town', 'admin']), V('rework', '返工', 'Send back', ['handled'], 'accepted', ['city', 'county', 'town', 'admin'], { need_note: true }),
      V('close', '结案', 'Close', ['verified'], 'closed', ['city', 'county', 'admin']), V('reopen', '重新打开', 'Reopen', ['closed'], 'registered', ['city', 'admin'], { need_note: true, danger: true }),
      V('supervise', '督办', 'Supervise', ['found', 'registered', 'dispatched', 'accepted', 'handled', 'verified'], null, ['city', 'admin'], { need_note: true })],
  },
  station: {
    zh: '监测站点', en: 'Stations', order: 20, map: 'point', title_field: 'name', state_field: null, create: ['city', 'admin'], edit: ['city', 'county', 'admin'], import: ['city', 'admin'],
    fields: [...base, F('name', '名称', 'Name', 'text', 'RLS'), F('mn', '设备唯一标识 MN', 'MN', 'text', 'R1LFS'), F('kind', '类别', 'Kind', 'enum', 'RLF', { dict: 'station_kind' }), F('source_id', '污染源', 'Source', 'id', 'LF', { ref: 'source' }), ...place, F('since', '启用日期', 'In use since', 'day', 'LF'), F('disabled', '停用', 'Disabled', 'bool', 'LF'), F('remark', '备注', 'Remark', 'text', 'T', { help_zh: '写明安装位置', help_en: 'Say where it is installed' })],
    verbs: [],
  },
  alarm: {
    zh: '超标报警', en: 'Alarms', order: 30, map: null, title_field: 'title', state_field: 'state', final: ['ended'], create: [], edit: [], import: [],
    fields: [...base, F('title', '标题', 'Title', 'text', 'OLS'), F('station_id', '站点', 'Station', 'id', 'OLF', { ref: 'station' }), F('state', '状态', 'State', 'enum', 'OLF', { dict: 'alarm_state' }), F('value', '数值', 'Value', 'real', 'OLF'), F('limit_high', '限值', 'Limit', 'real', 'OL'), F('began_at', '开始', 'Began', 'ms', 'OLF')],
    verbs: [],
  },
  source: {
    zh: '污染源', en: 'Polluters', order: 40, map: 'point', title_field: 'name', state_field: null, create: ['city', 'county', 'admin'], edit: ['city', 'county', 'admin'], import: ['city', 'county', 'admin'],
    fields: [...base, F('name', '名称', 'Name', 'text', 'RLS'), F('industry', '行业', 'Industry', 'text', 'LS'), F('permit_class', '许可管理类别', 'Permit class', 'enum', 'LF', { dict: 'permit_class' }), F('deposit_fen', '保证金', 'Deposit', 'money', 'LF'), ...place, F('key_source', '重点排污单位', 'Key polluter', 'bool', 'LF')],
    verbs: [],
  },
  account: {
    zh: '账号', en: 'Accounts', order: 90, map: null, title_field: 'name', state_field: null, create: [], edit: [], import: [],
    fields: [...base, F('name', '姓名', 'Name', 'text', 'OLS'), F('login', '账号', 'Log-in', 'text', 'OLS'), F('role', '角色', 'Role', 'text', 'OL')], verbs: [],
  },
}
const states = (r) => (r.state_field ? dicts[r.fields.find((f) => f.name === 'state').dict].map((s) => ({ ...s, final: r.final.includes(s.code) })) : [])
export function metaFor(role) {
  const list = Object.entries(rooms).map(([name, { create, edit, import: imp, final, verbs, ...r }]) => ({
    name, icon: '', ...r, perm_read: true, perm_create: create.includes(role), perm_edit: edit.includes(role), perm_import: imp.includes(role), perm_export: true, states: states(rooms[name]),
    verbs: verbs.map(({ roles, ...v }) => ({ ...v, perm: roles.includes(role) })),
  }))
  return { rooms: list, dicts }
}
