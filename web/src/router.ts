import { createRouter, createWebHistory } from 'vue-router'
import { session } from './session'

/** Record types with pages of their own instead of the list and the record that are drawn from fields. */
const OWN_PAGES: Record<string, Record<string, string>> = { audit: { list: 'audit', detail: 'auditEntry' } }
export const router = createRouter({
  history: createWebHistory('/'),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/login', name: 'login', component: () => import('./pages/LoginPage.vue'), meta: { open: true } },
    { path: '/', name: 'home', component: () => import('./pages/HomePage.vue') },
    { path: '/bench', name: 'bench', component: () => import('./pages/BenchPage.vue') },
    { path: '/r', name: 'rooms', component: () => import('./pages/RoomsPage.vue') },
    { path: '/r/:room', name: 'list', component: () => import('./pages/ListPage.vue') },
    { path: '/r/:room/:id(\\d+)', name: 'detail', component: () => import('./pages/DetailPage.vue') },
    { path: '/station/:id(\\d+)', name: 'station', component: () => import('./pages/StationPage.vue') },
    { path: '/station/:id(\\d+)/packets', name: 'packets', component: () => import('./pages/PacketsPage.vue') },
    { path: '/packets', name: 'allPackets', component: () => import('./pages/PacketsPage.vue') },
    { path: '/grid', name: 'grid', component: () => import('./pages/GridPage.vue') },
    { path: '/audit', name: 'audit', component: () => import('./audit/AuditPage.vue') },
    { path: '/audit/:id(\\d+)', name: 'auditEntry', component: () => import('./audit/EntryPage.vue') },
    { path: '/me', name: 'me', component: () => import('./pages/MePage.vue') },
    // Short and stable for ever: printed on papers and sign boards.
    { path: '/c/:id(\\d+)', redirect: (to) => ({ name: 'detail', params: { room: 'matter', id: to.params.id } }) },
    { path: '/:rest(.*)*', name: 'lost', component: () => import('./pages/LostPage.vue') },
  ],
})
router.beforeEach((to) => {
  if (to.meta.open) return true
  const own = OWN_PAGES[String(to.params.room)]?.[String(to.name)]
  if (own) return { name: own, params: to.params.id ? { id: to.params.id } : {}, query: to.query }
  if (!session.me || session.me.must_change) return { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  return true
})
