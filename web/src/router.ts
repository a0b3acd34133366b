import { createRouter, createWebHistory } from 'vue-router'
import { session } from './session'

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
    { path: '/me', name: 'me', component: () => import('./pages/MePage.vue') },
    // Short and stable for ever: printed on papers and sign boards.
    { path: '/c/:id(\\d+)', redirect: (to) => ({ name: 'detail', params: { room: 'matter', id: to.params.id } }) },
    { path: '/:rest(.*)*', name: 'lost', component: () => import('./pages/LostPage.vue') },
  ],
})
router.beforeEach((to) => {
  if (to.meta.open) return true
  if (!session.me || session.me.must_change) return { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  return true
})
