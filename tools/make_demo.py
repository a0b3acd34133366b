#!/usr/bin/env python3
"""Makes data/demo from the lists of divisions: outlines are Voronoi cells around seeds, generated for the demonstration and marked so.

Needs python3-shapely. usage: make_demo.py DIVISIONS.csv VILLAGES.csv AIR.csv OUT_DIR   (see data/README.md)"""
import csv, json, random, sys
from shapely.geometry import Polygon, Point

divisions, villages, air, out = sys.argv[1:5]
rnd = random.Random(370300)
# County seats, approximate; and a smooth hand-drawn outline around them: no survey, no copy of a map.
SEATS = {'370303': (118.06, 36.81), '370302': (117.97, 36.62), '370304': (117.86, 36.45), '370305': (118.31, 36.83), '370306': (117.87, 36.80),
         '370321': (118.06, 36.98), '370322': (117.83, 37.17), '370323': (118.20, 36.12)}
OUTLINE = Polygon([(117.62, 37.25), (117.75, 37.31), (117.98, 37.27), (118.10, 37.12), (118.24, 37.06), (118.44, 36.98), (118.50, 36.82), (118.43, 36.68), (118.27, 36.60),
                   (118.20, 36.50), (118.33, 36.36), (118.50, 36.25), (118.46, 36.05), (118.27, 35.95), (118.05, 36.00), (117.92, 36.10), (117.82, 36.28), (117.70, 36.40),
                   (117.72, 36.55), (117.80, 36.66), (117.74, 36.78), (117.80, 36.92), (117.66, 37.05)])

def seeds(poly, n):
    x0, y0, x1, y1 = poly.bounds
    pts = []
    while len(pts) < n:
        p = Point(rnd.uniform(x0, x1), rnd.uniform(y0, y1))
        if poly.contains(p): pts.append(p)
    for _ in range(2 if n > 2 else 1):  # Lloyd: seeds move to the middle of their cells, so sizes look natural
        pts = [c.centroid if c.contains(c.centroid) else p for c, p in zip(cells(poly, pts), pts)]
    return pts

def cells(poly, pts):
    """Voronoi cells inside poly: half-planes towards the nearest other seeds."""
    done = []
    for p in pts:
        c = poly
        for q in sorted(pts, key=p.distance)[1:18]:
            mx, my, dx, dy = (p.x + q.x) / 2, (p.y + q.y) / 2, q.x - p.x, q.y - p.y
            k = 4 / (dx * dx + dy * dy) ** .5
            ux, uy = -dy * k, dx * k
            c = c.intersection(Polygon([(mx + ux, my + uy), (mx - ux, my - uy), (mx - ux - dx * k, my - uy - dy * k), (mx + ux - dx * k, my + uy - dy * k)]))
        done.append(c)
    return done

def shape(poly):
    def r(c): return [[round(x, 5), round(y, 5)] for x, y in c]
    p = poly if poly.geom_type == 'Polygon' else max((g for g in poly.geoms if g.geom_type == 'Polygon'), key=lambda g: g.area)
    q = Polygon(r(p.exterior.coords)).buffer(0)
    q = q if q.geom_type == 'Polygon' else max(q.geoms, key=lambda g: g.area)
    return json.dumps({'type': 'Polygon', 'coordinates': [r(q.exterior.coords)]}, separators=(',', ':'))

rows, towns, leaf = [], [], {}
div = list(csv.DictReader(open(divisions, encoding='utf-8')))
vil = list(csv.DictReader(open(villages, encoding='utf-8')))
rows.append(('37', '山东省', 'province', '', 0, ''))
rows.append(('3703', '淄博市', 'city', '37', 1, shape(OUTLINE)))
codes = list(SEATS)
for code, poly in zip(codes, cells(OUTLINE, [Point(SEATS[c]) for c in codes])):
    rows.append((code, next(d['name'] for d in div if d['code'] == code), 'county', '3703', 1, shape(poly)))
    mine = [d for d in div if d['parent_code'] == code]
    for d, tp in zip(mine, cells(poly, seeds(poly, len(mine)))):
        t = d['code'][:9]
        rows.append((t, d['name'], 'town', code, 1, shape(tp)))
        towns.append((t, tp))
        vs = [v for v in vil if v['township_code'] == t]
        if not vs: continue
        for v, vp in zip(vs, cells(tp, seeds(tp, len(vs)))):
            rows.append((v['code'], v['name'], 'village', t, 1, shape(vp)))
            leaf[v['code']] = vp
            if t in ('370302116', '370323001'):
                for k, cp in enumerate(cells(vp, seeds(vp, 2))):
                    rows.append((f"{v['code']}-{k + 1:02d}", f"{v['name']}第{k + 1}网格", 'cell', v['code'], 1, shape(cp)))

def write(name, head, data):
    with open(f'{out}/{name}', 'w', encoding='utf-8', newline='') as f:
        w = csv.writer(f, lineterminator='\n'); w.writerow(head); w.writerows(data)

write('areas.csv', ['code', 'name', 'level', 'parent', 'generated', 'shape'], sorted(rows))
write('zones.csv', ['code', 'name', 'members'], [('Z370371', '高新区（示例配置）', '370303008 370303105'), ('Z370372', '经开区（示例配置）', '370303101 370306102'), ('Z370373', '文昌湖区（示例配置）', '370306103 370306104')])

KINDS = [('化工', 'flue'), ('建陶', 'flue'), ('水泥', 'flue'), ('火电', 'flue'), ('污水处理', 'wastewater'), ('印染', 'wastewater'), ('造纸', 'wastewater'), ('医药', 'wastewater')]
sources, stations, limits = [], [], []
town_names = {r[0]: r[1] for r in rows if r[2] == 'town'}
for i in range(160):
    t, tp = towns[rnd.randrange(len(towns))]
    kind = KINDS[i % len(KINDS)]
    p = seeds(tp, 1)[0]
    p = Point(p.x + rnd.uniform(-.01, .01), p.y + rnd.uniform(-.01, .01))
    if not tp.contains(p): p = tp.representative_point()
    if i == 27: t, p = '370302116', Point(117.932, 36.673)  # exceeds daily (make_recorded.py), where the log-in `officer` has his post
    sources.append((f'示例{kind[0]}{i + 1:03d}厂（虚构）', kind[0], f'{town_names[t]}示例路{i + 1}号', round(p.x, 5), round(p.y, 5), f'示例许可{i + 1:04d}', 'key' if i % 4 == 0 else 'simple', int(i % 4 == 0)))
seen = {}
for r in csv.DictReader(open(air, encoding='utf-8')): seen.setdefault(r['station'], (float(r['lon']), float(r['lat'])))
def station(name, kind, lon, lat, source, invented):
    mn = f'3703000000000000000000{len(stations) + 1:02d}'
    stations.append((name, mn, '123456', kind, lon, lat, source, invented))
    L = {'air': [('a34004', 75, 'GB 3095-2012 表1 二级 24h'), ('a34002', 150, 'GB 3095-2012 表1 二级 24h'), ('a21026', 500, 'GB 3095-2012 表1 二级 1h'), ('a21004', 200, 'GB 3095-2012 表1 二级 1h'), ('a05024', 200, 'GB 3095-2012 表1 二级 1h')],
         'wastewater': [('w01018', 50, 'GB 18918-2002 表1 一级A'), ('w21003', 5, 'GB 18918-2002 表1 一级A'), ('w21011', 0.5, 'GB 18918-2002 表1 一级A')],
         'flue': [('a21026', 100, 'GB 13223-2011 表1'), ('a21002', 100, 'GB 13223-2011 表1'), ('a34013', 30, 'GB 13223-2011 表1')],
         'surface': [('w01019', 6, 'GB 3838-2002 表1 Ⅲ类'), ('w21003', 1.0, 'GB 3838-2002 表1 Ⅲ类')]}
    for f, high, basis in L.get(kind, []): limits.append((mn, f, 'rtd', '', high, '2017-01-01', basis))
for name, (lon, lat) in seen.items(): station(f'{name}（国控）', 'air', lon, lat, '', 0)
for k, s in enumerate(sources[:30]): station(f'{s[0][:-4]}排口（虚构）', KINDS[k % len(KINDS)][1], s[3], s[4], s[0], 1)
for k, (n, x, y) in enumerate([('孝妇河示例断面（虚构）', 117.95, 36.70), ('沂河示例断面（虚构）', 118.18, 36.10), ('乌河示例断面（虚构）', 118.20, 36.90), ('小清河示例断面（虚构）', 118.00, 37.05)]): station(n, 'surface', x, y, '', 1)
write('sources.csv', ['name', 'industry', 'address', 'lon', 'lat', 'permit_no', 'permit_class', 'key_source'], sources)
write('stations.csv', ['name', 'mn', 'pw', 'kind', 'lon', 'lat', 'source', 'invented'], stations)
write('limits.csv', ['mn', 'factor', 'kind', 'low', 'high', 'from_day', 'basis'], limits)
