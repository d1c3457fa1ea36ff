/* Derivatives written by hand, without a tensor: the forces between Lennard-Jones particles, and
 * the Jacobian of a least squares fit, proved by gradtape's checker, which is all that is used of
 * it.
 *
 *   cc forces.c $(pkg-config --static --cflags --libs gradtape) -o forces && ./forces
 */
#include <math.h>
#include <stdio.h>

#include <gradtape/gradcheck_c.h>

enum { PARTICLES = 12, POINTS = 9 };

/* --- energy and its gradient, minus the forces; x [PARTICLES, 3] --- */

/* 4 (1/r^12 - 1/r^6) of every pair. */
static double energy(const double *x, int64_t n, void *user)
{
    (void)user;
    double sum = 0;
    for (int64_t a = 0; a < n; a += 3)
        for (int64_t b = 0; b < a; b += 3) {
            const double dx = x[a] - x[b], dy = x[a + 1] - x[b + 1], dz = x[a + 2] - x[b + 2];
            const double s = 1 / (dx * dx + dy * dy + dz * dz), s3 = s * s * s;
            sum += 4 * (s3 * s3 - s3);
        }
    return sum;
}

static void energy_gradient(const double *x, int64_t n, double *g, void *user)
{
    (void)user;
    for (int64_t i = 0; i < n; i++) g[i] = 0;
    for (int64_t a = 0; a < n; a += 3)
        for (int64_t b = 0; b < a; b += 3) {
            const double d[3] = {x[a] - x[b], x[a + 1] - x[b + 1], x[a + 2] - x[b + 2]};
            const double s = 1 / (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), s3 = s * s * s;
            const double slope = -24 * (2 * s3 * s3 - s3) * s;
            for (int k = 0; k < 3; k++) {
                g[a + k] += slope * d[k];
                g[b + k] -= slope * d[k];
            }
        }
}

/* --- residuals of a fit of a exp(-b t) + c to nine points, and their Jacobian [POINTS, 3] --- */

static void residuals(const double *p, double *y, void *user)
{
    const double *measured = user;
    for (int j = 0; j < POINTS; j++) y[j] = p[0] * exp(-p[1] * j / 4) + p[2] - measured[j];
}

static void residuals_jacobian(const double *p, double *jacobian, void *user)
{
    (void)user;
    for (int j = 0; j < POINTS; j++) {
        const double t = (double)j / 4, e = exp(-p[1] * t);
        jacobian[j * 3] = e;
        jacobian[j * 3 + 1] = -t * p[0] * e;
        jacobian[j * 3 + 2] = 1;
    }
}

int main(void)
{
    double x[3 * PARTICLES], measured[POINTS];
    gt_gradcheck_report report;
    for (int i = 0; i < PARTICLES; i++) { /* a lattice, not quite regular */
        const int row = i % 6 / 3, layer = i / 6;
        x[3 * i] = 1.1 * (i % 3) + 0.05 * sin(i);
        x[3 * i + 1] = 1.1 * row + 0.05 * cos(3 * i);
        x[3 * i + 2] = 1.1 * layer + 0.05 * sin(5 * i);
    }
    for (int j = 0; j < POINTS; j++) measured[j] = 2 / (1 + 0.5 * j);

    const gt_gradcheck_opts forces = {.name = "Lennard-Jones forces"};
    gt_verdict v =
        gt_gradcheck_c(energy, energy_gradient, NULL, x, 3 * PARTICLES, &forces, &report);
    gt_gradcheck_print(&report, stdout);
    if (v != GT_PASS) return 1;

    const gt_c_map fit = {
        .n = 3, .m = POINTS, .f = residuals, .jacobian = residuals_jacobian, .user = measured};
    v = gt_gradcheck_map(&fit, (double[]){1.8, 0.7, 0.2}, &(gt_gradcheck_opts){.name = "fit"},
                         &report);
    gt_gradcheck_print(&report, stdout);
    return v != GT_PASS;
}
