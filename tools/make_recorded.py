#!/usr/bin/env python3
"""Makes data/demo/recorded.csv, what `lanfan simulate` plays: for each station and factor a run of recorded values and where they are from.

Values are played as recorded; where no open record of that factor was found, another recorded series lends its shape and the row says so
(origin begins with 形状 | shape). usage: make_recorded.py STATIONS.csv ZIBO_AIR.csv GUCHENG.csv SECTIONS.csv GT_2011.csv WATER_TREATMENT.data > recorded.csv
(see data/README.md for where each comes from)"""
import csv, sys

stations, zibo, gucheng, sections, turbine, plant = sys.argv[1:7]
WEEK = 168
rows = lambda path: list(csv.DictReader(open(path, encoding='utf-8')))
text = lambda v: '' if v is None else f'{v:.4g}'
out = csv.writer(sys.stdout, lineterminator='\n')
out.writerow(['mn', 'factor', 'step_h', 'origin', 'values'])

def number(s, times=1.0, add=0.0):
    try: return float(s) * times + add
    except ValueError: return None

def put(mn, factor, step, origin, values): out.writerow([mn, factor, step, origin, ' '.join(text(v) or '-' for v in values)])

AIR = [('a34004', 'pm2_5', 'pm2_5', 1), ('a34002', 'pm10', 'pm10', 1), ('a21026', 'so2', 'so2', 1), ('a21004', 'no2', 'no2', 1), ('a21005', 'co', 'co_ug_m3', .001), ('a05024', 'o3', 'o3', 1)]
city, beijing = rows(zibo), rows(gucheng)
summer = next(i for i, r in enumerate(beijing) if r['time'].startswith('2016-07-01T00'))
winter = next(i for i, r in enumerate(beijing) if r['time'].startswith('2016-01-01T00'))

def air(mn, name, k):
    """Gucheng's week hour by hour; each day at 12:00-16:00 what this very station measured on 2019-07-18 at that hour."""
    own = {int(r['time'][11:13]): r for r in city if r['station'] == name and r['time'].startswith('2019')}
    week = beijing[summer + k * WEEK:summer + (k + 1) * WEEK]
    for factor, mine, theirs, times in AIR:
        values = []
        for h, r in enumerate(week):
            v = number(own[h % 24][mine]) if h % 24 in own else None
            values.append(number(r[theirs], times) if v is None else v)
        put(mn, factor, 1, f'12-16时 {name} 2019-07-18 实测（CNEMC）；其余 北京古城 2016-07 实测（UCI，CC BY 4.0）', values)

gt, ww = rows(turbine), [line.strip().split(',') for line in open(plant, encoding='utf-8') if line.startswith('D-')]
Q, PH_S, DBO_S, DQO_S, SS_S = 1, 23, 24, 25, 26  # columns of the plant's record: inflow, and the outlet's pH, BOD, COD, solids

# A week in which this plant is over its limit (100 mg/m³) for some hours of every day: the officer of its town always has something to do.
OVER = {'示例火电028厂': 1.2}

def flue(mn, name, k):
    part, cold = gt[k * 430:k * 430 + WEEK], beijing[winter + k * WEEK:winter + (k + 1) * WEEK]
    gas = '燃气轮机 2011 小时实测（UCI，CC BY 4.0）'
    over = next((v for plant, v in OVER.items() if name.startswith(plant)), None)
    put(mn, 'a21002', 1, f'形状 | shape: {gas} NOx×{over}' if over else f'{gas} NOx', [number(r['Nitrogen oxides'], over or 1) for r in part])
    put(mn, 'a21005', 1, f'{gas} CO', [number(r['Carbon monoxide']) for r in part])
    put(mn, 'a00000', 1, f'形状 | shape: {gas} 发电量×6', [number(r['Turbine energy yield'], 6) for r in part])
    put(mn, 'a19001', 1, f'形状 | shape: {gas} 8.8-发电量×0.2', [number(r['Turbine energy yield'], -.2, 8.8) for r in part])
    put(mn, 'a21026', 1, '形状 | shape: 北京古城 2016 SO2×4（UCI，CC BY 4.0）', [number(r['so2'], 4) for r in cold])
    put(mn, 'a34013', 1, '形状 | shape: 北京古城 2016 PM2.5×0.15（UCI，CC BY 4.0）', [number(r['pm2_5'], .15) for r in cold])

def wastewater(mn, k):
    part = ww[k * 36:k * 36 + 28]
    base = '城镇污水厂 1990-1991 日实测（UCI，CC BY 4.0），一日放作六小时'
    column = lambda i, times=1.0: [number(r[i], times) for r in part]
    put(mn, 'w00000', 6, f'{base} 流量', column(Q, 1 / 86.4))
    put(mn, 'w01001', 6, f'{base} pH', column(PH_S))
    put(mn, 'w01018', 6, f'形状 | shape: {base} COD×0.45', column(DQO_S, .45))
    put(mn, 'w21003', 6, f'形状 | shape: {base} BOD×0.18', column(DBO_S, .18))
    put(mn, 'w21011', 6, f'形状 | shape: {base} SS×0.015', column(SS_S, .015))

# The nearest sections that have a public record; the stations themselves are invented.
SECTIONS = {'孝妇河': '睦里庄', '沂河': '韩旺大桥', '乌河': '支脉河陈桥', '小清河': '西闸'}
WATER = [('w01010', 'temp_c'), ('w01001', 'ph'), ('w01009', 'do'), ('w01014', 'conductivity_us_cm'), ('w01003', 'turbidity_ntu'), ('w01019', 'codmn'), ('w21003', 'nh3n'), ('w21011', 'tp')]
river = [r for r in rows(sections) if r['time']]

def surface(mn, name):
    section = next(s for k, s in SECTIONS.items() if name.startswith(k))
    part = sorted((r for r in river if r['section'] == section), key=lambda r: r['time'])[:24]
    for factor, column in WATER: put(mn, factor, 4, f'{section} 2021-04-01 起 4 小时实测（国家地表水自动站）', [number(r[column]) for r in part])

count = {}
for s in rows(stations):
    k = count[s['kind']] = count.get(s['kind'], -1) + 1
    if s['kind'] == 'air': air(s['mn'], s['name'].split('（')[0], k)
    elif s['kind'] == 'flue': flue(s['mn'], s['name'], k)
    elif s['kind'] == 'wastewater': wastewater(s['mn'], k)
    else: surface(s['mn'], s['name'])
