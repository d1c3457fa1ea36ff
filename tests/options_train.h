/* Options of optimizers, schedules, averages, data, training and the gradient checker. */
#include <sys/stat.h>

#include "options.h"

/* --- optimizers: what three steps make of two weights --- */

static const gt_module_type bag = {.name = "Bag", .size = sizeof(gt_module)};

static gt_module *weights(gt_ctx *gt)
{
    static const double start[] = {0.5, -2.5};
    gt_module *m = gt_module_new(gt, &bag);
    gt_module_add_parameter(m, "w", gt_from(gt, GT_SHAPE(2), start, .dtype = GT_F64));
    return m;
}

static double after_steps(gt_optimizer *o)
{
    if (!o) return 0;
    gt_module *m = gt_optimizer_module(o);
    gt_tensor *w = gt_module_parameter(m, "w");
    for (int i = 0; i < 8; i++) {
        gt_zero_grad(m);
        gt_backward(gt_sum(gt_mul_scalar(gt_square(gt_square(w)), 0.1 * (i % 3 + 1))));
        gt_optimizer_step(o);
    }
    return mark_of(w);
}

static gt_optimizer *momentum_sgd(gt_ctx *gt)
{
    return gt_sgd(weights(gt), .lr = 0.1, .momentum = 0.9);
}

/* --- schedules: the rates of 16 epochs, and the metric of a plateau --- */

static double rates(gt_schedule *s)
{
    double sum = 0;
    for (int i = 0; s && i < 16; i++) {
        const double momentum = gt_schedule_lr(s);
        sum = 0.9 * sum + momentum;
        if (gt_schedule_step_metric(s, 1 - 1e-5 * i) != GT_OK) return sum;
    }
    return sum;
}

/* clang-format off */
SUBJECT(sgd, gt_sgd_opts, {.momentum = 0.5}) { return after_steps(gt_sgd_(weights(gt), o)); }
SUBJECT(adam, gt_adam_opts, {.gt_ = NULL}) { return after_steps(gt_adam_(weights(gt), o)); }
SUBJECT(adamw, gt_adam_opts, {.gt_ = NULL}) { return after_steps(gt_adamw_(weights(gt), o)); }
SUBJECT(nadam, gt_nadam_opts, {.gt_ = NULL}) { return after_steps(gt_nadam_(weights(gt), o)); }
SUBJECT(radam, gt_radam_opts, {.gt_ = NULL}) { return after_steps(gt_radam_(weights(gt), o)); }
SUBJECT(rmsprop, gt_rmsprop_opts, {.gt_ = NULL}) { return after_steps(gt_rmsprop_(weights(gt), o)); }
SUBJECT(adagrad, gt_adagrad_opts, {.gt_ = NULL}) { return after_steps(gt_adagrad_(weights(gt), o)); }
SUBJECT(adadelta, gt_adadelta_opts, {.gt_ = NULL}) { return after_steps(gt_adadelta_(weights(gt), o)); }
SUBJECT(lion, gt_lion_opts, {.lr = 1}) { return after_steps(gt_lion_(weights(gt), o)); }
SUBJECT(group, gt_group_opts, {.gt_ = NULL})
{
    gt_optimizer *sgd = gt_sgd(weights(gt), .lr = 0.01, .weight_decay = 0.5);
    return gt_optimizer_add_group_(sgd, "w", o) == GT_OK ? after_steps(sgd) : 0;
}
SUBJECT(ema, gt_ema_opts, {.gt_ = NULL})
{
    gt_module *m = weights(gt);
    gt_ema *e = gt_ema_new_(m, o);
    gt_ema_update(e);
    gt_fill(gt_module_parameter(m, "w"), 7);
    gt_ema_update(e);
    gt_ema_swap(e);
    return mark_of(gt_module_parameter(m, "w"));
}
SUBJECT(step_lr, gt_step_lr_opts, {.gt_ = NULL}) { return rates(gt_step_lr_(momentum_sgd(gt), 3, o)); }
SUBJECT(constant_lr, gt_constant_lr_opts, {.gt_ = NULL}) { return rates(gt_constant_lr_(momentum_sgd(gt), o)); }
SUBJECT(linear_lr, gt_linear_lr_opts, {.gt_ = NULL}) { return rates(gt_linear_lr_(momentum_sgd(gt), o)); }
SUBJECT(polynomial_lr, gt_polynomial_lr_opts, {.gt_ = NULL}) { return rates(gt_polynomial_lr_(momentum_sgd(gt), o)); }
SUBJECT(restarts, gt_cosine_lr_opts, {.eta_min = 0.01}) { return rates(gt_cosine_annealing_warm_restarts_(momentum_sgd(gt), 3, o)); }
SUBJECT(one_cycle, gt_one_cycle_lr_opts, {.gt_ = NULL})
{
    gt_optimizer *sgd = momentum_sgd(gt);
    gt_schedule *s = gt_one_cycle_lr_(sgd, 0.5, 20, o);
    double sum = s ? 0 : 1;
    for (int i = 0; s && i < 18; i++) {
        sum = 0.9 * sum + gt_schedule_lr(s) + gt_optimizer_state(sgd).number;
        gt_optim_iter it = gt_optimizer_state(sgd);
        while (gt_optim_next(&it)) sum += it.tensor ? 0 : it.number;
        gt_schedule_step(s);
    }
    return sum;
}
SUBJECT(plateau, gt_plateau_opts, {.factor = 0.5, .patience = 2, .cooldown = 3, .min_lr = 0.03}) { return rates(gt_reduce_lr_on_plateau_(momentum_sgd(gt), o)); }

/* --- data --- */

static double mark_of_batch(gt_loader *l)
{
    gt_tensor *x = NULL;
    gt_tensor **const to[] = {&x, NULL};
    const gt_dataset *d = gt_loader_dataset(l);
    return d && gt_loader_next_(l, d->members, to) ? mark_of(x) : 0;
}
SUBJECT(digits, gt_generated_digits_opts, {.seed = 3}) { return mark_of(gt_dataset_item(gt_generated_digits_(gt, 2, o), 1, NULL)); }
SUBJECT(loader, gt_loader_opts, {.shuffle = true, .seed = 3, .threads = 1}) { return mark_of_batch(gt_loader_new_(gt_generated_digits(gt, 9, .size = 8), 4, o)); }
/* Pictures are not read before they are fetched. */
SUBJECT(folder, gt_image_folder_opts, {.size = {9}})
{
    mkdir(GT_BINARY_DIR "/tests/options", 0777);
    mkdir(GT_BINARY_DIR "/tests/options/a", 0777);
    fclose(fopen(GT_BINARY_DIR "/tests/options/a/0.png", "w"));
    const gt_dataset *d = gt_image_folder_(gt, GT_BINARY_DIR "/tests/options", o);
    return d ? (double)d->member[0].shape.dim[1] : 0;
}
SUBJECT(masks, gt_mask_folder_opts, {.size = {9}, .ignored = 1})
{
    mkdir(GT_BINARY_DIR "/tests/options_masks", 0777);
    FILE *f = fopen(GT_BINARY_DIR "/tests/options_masks/0.pgm", "w");
    fputs("P5 2 2 9 \1\2\3\4", f);
    fclose(f);
    gt_tensor *x, *y = NULL;
    gt_dataset *d = gt_mask_folder_(gt, GT_BINARY_DIR "/tests/options_masks", GT_BINARY_DIR "/tests/options_masks", o);
    return d && gt_dataset_get(d, 0, &x, &y) == GT_OK ? mark_of(y) : 0;
}
static double transformed(gt_ctx *gt, gt_transform t)
{
    gt_dataset *d = gt_tensor_dataset(gt_rand(gt, GT_SHAPE(12, 3, 6, 7)));
    return mark_of_batch(gt_loader_new(d, 12, .seed = 5, .transforms = GT_TRANSFORMS(t)));
}
SUBJECT(normalise, gt_transform, {.kind = GT_NORMALISE, .mean = {0.5, 0.25}, .std = {0.5}}) { return transformed(gt, o); }
SUBJECT(crop, gt_transform, {.kind = GT_RANDOM_CROP, .size = {5}, .padding = 2}) { return transformed(gt, o); }
SUBJECT(mirror, gt_transform, {.kind = GT_RANDOM_FLIP}) { return transformed(gt, o); }
SUBJECT(rotation, gt_transform, {.kind = GT_RANDOM_ROTATION, .degrees = 30}) { return transformed(gt, o); }
SUBJECT(erasing, gt_transform, {.kind = GT_RANDOM_ERASING}) { return transformed(gt, o); }
SUBJECT(jitter, gt_transform, {.kind = GT_COLOUR_JITTER, .brightness = 0.5, .contrast = 0.5, .saturation = 0.5, .hue = 0.2}) { return transformed(gt, o); }

SUBJECT(blur, gt_transform, {.kind = GT_GAUSSIAN_BLUR, .size = {3}, .sigma = {0.5, 1}}) { return transformed(gt, o); }
SUBJECT(mixup, gt_transform, {.kind = GT_MIXUP})
{
    gt_dataset *d = gt_tensor_dataset(gt_rand(gt, GT_SHAPE(4, 1, 2, 2)), gt_zeros(gt, GT_SHAPE(4), .dtype = GT_I64));
    return mark_of_batch(gt_loader_new(d, 4, .seed = 5, .transforms = GT_TRANSFORMS(o)));
}
SUBJECT(parts, gt_split_opts, {.seed = 2})
{
    gt_dataset *part[2];
    gt_random_split_(gt_generated_digits(gt, 40), GT_LENGTHS(20, 20), part, o);
    return part[0] ? mark_of(gt_dataset_item(part[0], 0, NULL)) : 0;
}
SUBJECT(one, gt_transform_opts, {.seed = 2})
{
    return mark_of(gt_transform_(gt_rand(gt, GT_SHAPE(1, 5, 5)), GT_TRANSFORMS({.kind = GT_RANDOM_ROTATION, .degrees = 60}), o));
}

/* --- training and checking --- */

SUBJECT(fit, gt_fit_opts, {.epochs = 3, .accumulate = 2, .clip_grad_norm = 0.01, .patience = 1, .min_delta = 1e9})
{
    gt_module *net = gt_nn_sequential(gt, gt_nn_flatten(gt), gt_nn_linear(gt, 64, 10));
    gt_loader *l = gt_loader_new(gt_generated_digits(gt, 12, .size = 8), 4);
    gt_optimizer *sgd = gt_sgd(net, .lr = 0.1);
    const gt_history *h = gt_fit_(net, sgd, l, o);
    return h ? (double)gt_history_rows(h) + mark_of(gt_module_parameter(net, "1.weight")) : 0;
}
SUBJECT(grid, gt_make_grid_opts, {.pad_value = 0.5, .normalize = true, .value_range = {0.1, 0.7}})
{
    return mark_of(gt_make_grid_(gt_rand(gt, GT_SHAPE(3, 1, 2, 2)), o));
}
SUBJECT(predict, gt_predict_opts, {.gt_ = NULL})
{
    gt_module *net = gt_nn_linear(gt, 2, 2);
    gt_tensor *y = gt_predict_(net, gt_ones(gt, GT_SHAPE(3, 2)), o);
    return y ? gt_get(y, 0, 0) : 0;
}
SUBJECT(evaluate, gt_evaluate_opts, {.gt_ = NULL})
{
    gt_module *net = gt_nn_sequential(gt, gt_nn_flatten(gt), gt_nn_linear(gt, 64, 10));
    double to[2];
    return gt_evaluate_(net, gt_loader_new(gt_generated_digits(gt, 4, .size = 8), 4), to, o) == GT_OK ? to[0] : 0;
}
static double size_of_plot(gt_ctx *gt, gt_curve_opts o)
{
    gt_history *h = gt_history_new(gt);
    for (int i = 0; i < 5; i++) gt_history_set(h, i, "loss", 1.0 / (i + 1));
    FILE *f = tmpfile();
    gt_history_plot_(h, f, o);
    const double size = (double)ftell(f);
    fclose(f);
    return size;
}
SUBJECT(plot, gt_curve_opts, {.gt_ = NULL}) { return size_of_plot(gt, o); }
static const unsigned char two_of_two[] = {1, 1};
static gt_tensor *cube(gt_ctx *gt, gt_tensor *const in[], void *user)
{
    (void)gt, (void)user;
    return gt_mul(in[0], gt_square(in[0]));
}
/* Its failures are in the report. */
static double mark_of_check(gt_ctx *gt, const gt_gradcheck_opts *o)
{
    gt_tensor *x = gt_full(gt, GT_SHAPE(2), 1.5, .dtype = GT_F64, .requires_grad = true);
    gt_gradcheck_report r;
    gt_gradcheck(gt, cube, NULL, &x, 1, o, &r);
    if (r.kind == GT_GRADCHECK_ERROR) gt_fail(gt, GT_ERR_ARGUMENT, "gradcheck", "%s", r.message);
    return mark_of_text(r.message) + (double)r.seed;
}
SUBJECT(gradcheck, gt_gradcheck_opts, {.order = 2}) { return mark_of_check(gt, &o); }
SUBJECT(gradcheck_input, gt_gradcheck_input_opts, {.mask = two_of_two, .n_mask = 2})
{
    return mark_of_check(gt, &(gt_gradcheck_opts){.order = 2, .inputs = &o, .n_inputs = 1});
}

#define OPTIONS_OF_TRAINING(ROW)                                                                   \
    ROW(sgd, gt_sgd_opts, lr, CHANGES)                                                             \
    ROW(sgd, gt_sgd_opts, momentum, CHANGES)                                                       \
    ROW(sgd, gt_sgd_opts, dampening, SAME)                                                         \
    ROW(sgd, gt_sgd_opts, weight_decay, SAME)                                                      \
    ROW(adam, gt_adam_opts, lr, CHANGES)                                                           \
    ROW(adam, gt_adam_opts, betas, CHANGES)                                                        \
    ROW(adam, gt_adam_opts, eps, CHANGES)                                                          \
    ROW(adam, gt_adam_opts, weight_decay, SAME)                                                    \
    ROW(adamw, gt_adam_opts, weight_decay, CHANGES)                                                \
    ROW(nadam, gt_nadam_opts, lr, CHANGES)                                                         \
    ROW(nadam, gt_nadam_opts, betas, CHANGES)                                                      \
    ROW(nadam, gt_nadam_opts, eps, CHANGES)                                                        \
    ROW(nadam, gt_nadam_opts, weight_decay, SAME)                                                  \
    ROW(nadam, gt_nadam_opts, momentum_decay, CHANGES)                                             \
    ROW(radam, gt_radam_opts, lr, CHANGES)                                                         \
    ROW(radam, gt_radam_opts, betas, CHANGES)                                                      \
    ROW(radam, gt_radam_opts, eps, CHANGES)                                                        \
    ROW(radam, gt_radam_opts, weight_decay, SAME)                                                  \
    ROW(rmsprop, gt_rmsprop_opts, lr, CHANGES)                                                     \
    ROW(rmsprop, gt_rmsprop_opts, alpha, CHANGES)                                                  \
    ROW(rmsprop, gt_rmsprop_opts, eps, CHANGES)                                                    \
    ROW(rmsprop, gt_rmsprop_opts, weight_decay, SAME)                                              \
    ROW(rmsprop, gt_rmsprop_opts, momentum, SAME)                                                  \
    ROW(adagrad, gt_adagrad_opts, lr, CHANGES)                                                     \
    ROW(adagrad, gt_adagrad_opts, lr_decay, SAME)                                                  \
    ROW(adagrad, gt_adagrad_opts, weight_decay, SAME)                                              \
    ROW(adagrad, gt_adagrad_opts, initial_accumulator_value, SAME)                                 \
    ROW(adagrad, gt_adagrad_opts, eps, CHANGES)                                                    \
    ROW(adadelta, gt_adadelta_opts, lr, CHANGES)                                                   \
    ROW(adadelta, gt_adadelta_opts, rho, CHANGES)                                                  \
    ROW(adadelta, gt_adadelta_opts, eps, CHANGES)                                                  \
    ROW(adadelta, gt_adadelta_opts, weight_decay, SAME)                                            \
    ROW(lion, gt_lion_opts, lr, CHANGES)                                                           \
    ROW(lion, gt_lion_opts, betas, CHANGES)                                                        \
    ROW(lion, gt_lion_opts, weight_decay, SAME)                                                    \
    ROW(group, gt_group_opts, lr, CHANGES)                                                         \
    ROW(group, gt_group_opts, lr_scale, CHANGES)                                                   \
    ROW(group, gt_group_opts, weight_decay, CHANGES)                                               \
    ROW(ema, gt_ema_opts, decay, CHANGES)                                                          \
    ROW(step_lr, gt_step_lr_opts, gamma, CHANGES)                                                  \
    ROW(constant_lr, gt_constant_lr_opts, factor, REFUSED)                                         \
    ROW(constant_lr, gt_constant_lr_opts, total_iters, REFUSED)                                    \
    ROW(linear_lr, gt_linear_lr_opts, start_factor, REFUSED)                                       \
    ROW(linear_lr, gt_linear_lr_opts, end_factor, CHANGES)                                         \
    ROW(linear_lr, gt_linear_lr_opts, total_iters, REFUSED)                                        \
    ROW(polynomial_lr, gt_polynomial_lr_opts, total_iters, REFUSED)                                \
    ROW(polynomial_lr, gt_polynomial_lr_opts, power, CHANGES)                                      \
    ROW(restarts, gt_cosine_lr_opts, eta_min, CHANGES)                                             \
    ROW(restarts, gt_cosine_lr_opts, t_mult, REFUSED)                                              \
    ROW(one_cycle, gt_one_cycle_lr_opts, pct_start, CHANGES)                                       \
    ROW(one_cycle, gt_one_cycle_lr_opts, base_momentum, CHANGES)                                   \
    ROW(one_cycle, gt_one_cycle_lr_opts, max_momentum, CHANGES)                                    \
    ROW(one_cycle, gt_one_cycle_lr_opts, div_factor, REFUSED)                                      \
    ROW(one_cycle, gt_one_cycle_lr_opts, final_div_factor, REFUSED)                                \
    ROW(plateau, gt_plateau_opts, factor, CHANGES)                                                 \
    ROW(plateau, gt_plateau_opts, patience, CHANGES)                                               \
    ROW(plateau, gt_plateau_opts, threshold, CHANGES)                                              \
    ROW(plateau, gt_plateau_opts, cooldown, CHANGES)                                               \
    ROW(plateau, gt_plateau_opts, min_lr, CHANGES)                                                 \
    ROW(plateau, gt_plateau_opts, eps, SAME)                                                       \
    ROW(digits, gt_generated_digits_opts, seed, CHANGES)                                           \
    ROW(digits, gt_generated_digits_opts, size, REFUSED)                                           \
    ROW(digits, gt_generated_digits_opts, noise, CHANGES)                                          \
    ROW(loader, gt_loader_opts, seed, CHANGES)                                                     \
    ROW(loader, gt_loader_opts, threads, SAME)                                                     \
    ROW(loader, gt_loader_opts, samples, SAME)                                                     \
    ROW(folder, gt_image_folder_opts, size, REFUSED)                                               \
    ROW(masks, gt_mask_folder_opts, size, REFUSED)                                                 \
    ROW(masks, gt_mask_folder_opts, ignored, CHANGES)                                              \
    ROW(masks, gt_mask_folder_opts, threshold, SAME)                                               \
    ROW(normalise, gt_transform, mean, CHANGES)                                                    \
    ROW(normalise, gt_transform, std, REFUSED)                                                     \
    ROW(crop, gt_transform, size, REFUSED)                                                         \
    ROW(crop, gt_transform, padding, CHANGES)                                                      \
    ROW(mirror, gt_transform, members, REFUSED)                                                    \
    ROW(blur, gt_transform, sigma, REFUSED)                                                        \
    ROW(mixup, gt_transform, alpha, REFUSED)                                                       \
    ROW(parts, gt_split_opts, seed, CHANGES)                                                       \
    ROW(one, gt_transform_opts, member, SAME)                                                      \
    ROW(one, gt_transform_opts, seed, CHANGES)                                                     \
    ROW(mirror, gt_transform, p, CHANGES)                                                          \
    ROW(erasing, gt_transform, p, CHANGES)                                                         \
    ROW(rotation, gt_transform, degrees, REFUSED)                                                  \
    ROW(erasing, gt_transform, scale, REFUSED)                                                     \
    ROW(erasing, gt_transform, ratio, REFUSED)                                                     \
    ROW(jitter, gt_transform, brightness, CHANGES)                                                 \
    ROW(jitter, gt_transform, contrast, CHANGES)                                                   \
    ROW(jitter, gt_transform, saturation, CHANGES)                                                 \
    ROW(jitter, gt_transform, hue, CHANGES)                                                        \
    ROW(fit, gt_fit_opts, inputs, SAME)                                                            \
    ROW(grid, gt_make_grid_opts, nrow, REFUSED)                                                    \
    ROW(grid, gt_make_grid_opts, padding, CHANGES)                                                 \
    ROW(grid, gt_make_grid_opts, pad_value, CHANGES)                                               \
    ROW(grid, gt_make_grid_opts, value_range, CHANGES)                                             \
    ROW(predict, gt_predict_opts, batch, REFUSED)                                                  \
    ROW(predict, gt_predict_opts, inputs, SAME)                                                    \
    ROW(evaluate, gt_evaluate_opts, inputs, SAME)                                                  \
    ROW(fit, gt_fit_opts, epochs, CHANGES)                                                         \
    ROW(fit, gt_fit_opts, accumulate, REFUSED)                                                     \
    ROW(fit, gt_fit_opts, clip_grad_norm, CHANGES)                                                 \
    ROW(fit, gt_fit_opts, patience, CHANGES)                                                       \
    ROW(fit, gt_fit_opts, min_delta, CHANGES)                                                      \
    ROW(plot, gt_curve_opts, width, REFUSED)                                                       \
    ROW(plot, gt_curve_opts, height, REFUSED)                                                      \
    ROW(gradcheck, gt_gradcheck_opts, step, REFUSED)                                               \
    ROW(gradcheck, gt_gradcheck_opts, rtol, CHANGES)                                               \
    ROW(gradcheck, gt_gradcheck_opts, atol, SAME)                                                  \
    ROW(gradcheck, gt_gradcheck_opts, n_others, REFUSED)                                           \
    ROW(gradcheck, gt_gradcheck_opts, order, REFUSED)                                              \
    ROW(gradcheck, gt_gradcheck_opts, points, REFUSED)                                             \
    ROW(gradcheck, gt_gradcheck_opts, probes, REFUSED)                                             \
    ROW(gradcheck, gt_gradcheck_opts, n_inputs, REFUSED)                                           \
    ROW(gradcheck_input, gt_gradcheck_input_opts, step, REFUSED)                                   \
    ROW(gradcheck_input, gt_gradcheck_input_opts, rtol, CHANGES)                                   \
    ROW(gradcheck_input, gt_gradcheck_input_opts, atol, SAME)                                      \
    ROW(gradcheck_input, gt_gradcheck_input_opts, n_mask, REFUSED)                                 \
    ROW(gradcheck, gt_gradcheck_opts, seed, CHANGES)
/* clang-format on */
