// Taking lists of attacks apart.
#include "attack_fixture.h"

#include "evaluate/plan.h"

static const igd_classifier base_of = {
    .num_classes = 10, .shape = {3, 8, 8}, .deterministic = true, .differentiable = true};
static igd_classifier defended_of, surrogate_of, joint_of;
static igd_views undefended, defended;

static int setup(void **state)
{
    (void)state;
    defended_of = surrogate_of = joint_of = base_of;
    undefended = (igd_views){.base = &base_of, .judged = &base_of};
    defended = (igd_views){.base = &base_of,
                           .judged = &defended_of,
                           .surrogate = &surrogate_of,
                           .joint = &joint_of};
    return 0;
}

static igd_evaluate_options options(const char *attacks, igd_report_mode report)
{
    igd_evaluate_options o = igd_evaluate_options_default();
    o.attacks = attacks;
    o.report = report;
    o.checks = false;
    return o;
}

static igd_plan *plan(const igd_views *who, const char *attacks, igd_report_mode report)
{
    const igd_evaluate_options o = options(attacks, report);
    igd_plan *p = NULL;
    assert_ok(igd_plan_make(&p, who, &o));
    return p;
}

static void assert_steps(const igd_plan *p, const char *const *names, int num)
{
    assert_int_equal(p->num_steps, num + 1);
    for (int k = 0; k < num; k++)
        assert_string_equal(p->steps[k + 1].name, names[k]);
}

static void test_plan__autoattack_has_its_four_members(void **state)
{
    (void)state;
    static const char *const names[] = {"apgd-ce", "apgd-t", "fab-t", "square"};
    igd_plan *p = plan(&undefended, "autoattack", IGD_REPORT_UNION);
    assert_steps(p, names, 4);
    assert_int_equal(p->num_entries, 5);
    assert_string_equal(p->entries[4].name, "autoattack");
    assert_int_equal(p->entries[4].num_columns, 4);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(p->steps[k + 1].group, 0); // one cascade
        assert_int_equal(p->entries[k].num_counts, k + 1);
        assert_string_equal(p->entries[k].ensemble, "autoattack");
        assert_int_equal(p->steps[k + 1].jobs[0].mode, IGD_RETURN_FOOLED);
    }
    assert_true(job_value(&p->steps[2].jobs[0], "targets") == 9);
    assert_true(job_value(&p->steps[4].jobs[0], "queries") == 5000);
    free(p);
}

static void test_plan__presets_are_those_of_the_versions(void **state)
{
    (void)state;
    static const char *const names[] = {"apgd-ce", "apgd-dlr", "fab",
                                        "square",  "apgd-t",   "fab-t"};
    static const double restarts[] = {5, 5, 5, 1, 1, 1};
    igd_plan *p = plan(&undefended, "autoattack-plus", IGD_REPORT_PER_ATTACK);
    assert_steps(p, names, 6);
    for (int k = 0; k < 6; k++) {
        assert_true(job_value(&p->steps[k + 1].jobs[0], "restarts") == restarts[k]);
        for (int j = 0; j < k; j++) // every member in full
            assert_int_not_equal(p->steps[k + 1].group, p->steps[j + 1].group);
    }
    free(p);
    p = plan(&undefended, "autoattack-rand", IGD_REPORT_UNION);
    assert_true(job_value(&p->steps[1].jobs[0], "eot") == 20);
    assert_true(job_value(&p->steps[2].jobs[0], "eot") == 20);
    free(p);

    igd_evaluate_options o = options("autoattack", IGD_REPORT_UNION);
    o.threat = (igd_threat){IGD_NORM_L1, 12.0};
    if (igd_plan_make(&p, &undefended, &o) == IGD_OK) {
        assert_true(job_value(&p->steps[1].jobs[0], "restarts") == 5);
        assert_true(job_value(&p->steps[2].jobs[0], "targets") == 5);
        assert_true(job_value(&p->steps[1].jobs[0], "large_radii") == 1);
        free(p);
    } else {
        assert_non_null(strstr(igd_error_message(), "L1"));
    }
    // The others go without the larger radii, as the released code does.
    o.attacks = "autoattack-rand";
    assert_ok(igd_plan_make(&p, &undefended, &o));
    for (int k = 1; k <= 2; k++)
        assert_true(job_value(&p->steps[k].jobs[0], "large_radii") == 0);
    free(p);
    o.attacks = "autoattack-plus";
    assert_ok(igd_plan_make(&p, &undefended, &o));
    for (int k = 1; k <= 6; k++)
        if (k <= 2 || k == 5)
            assert_true(job_value(&p->steps[k].jobs[0], "large_radii") == 0);
    free(p);
}

static void test_plan__worst_case_takes_transfers_first(void **state)
{
    (void)state;
    static const char *const cascade[] = {"transfer:apgd-ce",
                                          "transfer:apgd-cw",
                                          "transfer:apgd-t",
                                          "transfer:apgd-eot",
                                          "transfer:apgd-eot dlr",
                                          "transfer:autoattack",
                                          "transfer:rays",
                                          "apgd-ce",
                                          "apgd-t",
                                          "fab-t",
                                          "square",
                                          "apgd-eot",
                                          "rays"};
    igd_plan *p = plan(&defended, "worst-case", IGD_REPORT_UNION);
    assert_steps(p, cascade, 13);
    assert_true(job_value(&p->steps[3].jobs[0], "targets") == 3);
    assert_true(job_value(&p->steps[9].jobs[0], "targets") == 9);
    assert_int_equal(p->steps[1].jobs[0].mode, IGD_RETURN_HIGH_LOSS);
    // Of the two losses both points are kept, as neither loss says which is the better.
    for (int k = 4; k <= 5; k++) {
        assert_int_equal(p->steps[k].jobs[0].mode, IGD_RETURN_HIGH_LOSS);
        assert_true(job_value(&p->steps[k].jobs[0], "losses") == k - 3);
    }
    assert_int_equal(p->steps[7].jobs[0].mode, IGD_RETURN_FOOLED); // RayS knows no loss
    assert_int_equal(p->steps[6].num_jobs, 4); // the points of its first success
    for (int j = 0; j < 4; j++)
        assert_int_equal(p->steps[6].jobs[j].mode, IGD_RETURN_FOOLED);
    for (int k = 1; k <= 13; k++)
        assert_ptr_equal(igd_step_attacked(&p->steps[k], &defended),
                         k <= 7 ? &base_of : &defended_of);
    const igd_entry *all = &p->entries[p->num_entries - 1];
    assert_string_equal(all->name, "worst-case");
    assert_int_equal(all->num_counts, 13);
    free(p);
}

static void test_plan__worst_case_in_full_keeps_autoattack_a_cascade(void **state)
{
    (void)state;
    igd_plan *p = plan(&defended, "worst-case", IGD_REPORT_PER_ATTACK);
    assert_string_equal(p->steps[1].name, "apgd-ce");
    for (int k = 2; k <= 4; k++)
        assert_int_equal(p->steps[k].group, p->steps[1].group);
    for (int k = 6; k < p->num_steps; k++)
        assert_int_equal(p->steps[k].group == p->steps[k - 1].group,
                         p->steps[k].half_of == k - 1);
    free(p);
}

static void test_plan__without_a_defense_members_are_the_same(void **state)
{
    (void)state;
    igd_plan *p = plan(&undefended, "worst-case", IGD_REPORT_UNION);
    int same = 0;
    for (int k = 0; k < p->num_entries; k++) {
        same += p->entries[k].same_as[0] != '\0';
        assert_string_equal(p->entries[k].target, "base");
    }
    assert_int_equal(same, 3);
    assert_int_equal(p->num_steps, 1 + 3 + 4 + 2);
    // What ends at the first point that fools comes before what is made in full.
    for (int k = 1; k <= 7; k++)
        assert_int_equal(p->steps[k].jobs[0].mode,
                         k <= 4 ? IGD_RETURN_FOOLED : IGD_RETURN_HIGH_LOSS);
    assert_string_equal(p->steps[1].name, "apgd-ce");
    assert_string_equal(p->steps[5].name, "transfer:apgd-ce");
    free(p);
}

static void test_plan__prefixes_choose_what_is_attacked(void **state)
{
    (void)state;
    igd_plan *p =
        plan(&defended, "own:apgd-ce,surrogate:apgd-ce,joint:pgd,transfer:square,clean",
             IGD_REPORT_UNION);
    assert_int_equal(p->num_steps, 5);
    assert_ptr_equal(igd_step_attacked(&p->steps[1], &defended), &defended_of);
    assert_int_equal(p->steps[1].jobs[0].mode, IGD_RETURN_HIGH_LOSS);
    assert_ptr_equal(igd_step_attacked(&p->steps[2], &defended), &surrogate_of);
    assert_ptr_equal(igd_step_attacked(&p->steps[3], &defended), &joint_of);
    assert_ptr_equal(igd_step_attacked(&p->steps[4], &defended), &base_of);
    assert_string_equal(p->entries[0].target, "defended");
    assert_string_equal(p->entries[3].target, "transfer");
    free(p);
}

static void test_plan__changes_reach_every_occurrence(void **state)
{
    (void)state;
    igd_plan *p = NULL;
    igd_evaluate_options o =
        options("autoattack,transfer:apgd-ce,transfer:autoattack", IGD_REPORT_UNION);
    o.set = "apgd-ce.steps=7,transfer:apgd-ce.steps=9,apgd-ce.rho=3/4";
    assert_ok(igd_plan_make(&p, &defended, &o));
    assert_true(job_value(&p->steps[1].jobs[0], "steps") == 7);
    assert_true(job_value(&p->steps[5].jobs[0], "steps") == 9);
    assert_true(job_value(&p->steps[6].jobs[0], "steps") == 7);
    assert_true(job_value(&p->steps[1].jobs[0], "rho") == 0.75);
    assert_true(job_value(&p->steps[2].jobs[0], "steps") == 100);
    free(p);
}

static void test_plan__choices_are_set_by_name(void **state)
{
    (void)state;
    igd_plan *p = NULL;
    igd_evaluate_options o = options("apgd-t,malt", IGD_REPORT_UNION);
    o.set = "apgd-t.order=gradient,malt.order=logits";
    assert_ok(igd_plan_make(&p, &undefended, &o));
    assert_true(job_value(&p->steps[1].jobs[0], "order") == 1);
    assert_true(job_value(&p->steps[2].jobs[0], "order") == 0);
    free(p);
    o.set = "apgd-t.order=gradeint";
    assert_fails(igd_plan_make(&p, &undefended, &o), IGD_EINVAL,
                 "no order 'gradeint'; did you mean 'gradient'?");
    o.set = "apgd-t.candidates=5,apgd-t.order=gradient";
    assert_fails(igd_plan_make(&p, &undefended, &o), IGD_EINVAL,
                 "5 candidates cannot give 9 targets");
}

static void test_plan__checks_follow_the_attacks(void **state)
{
    (void)state;
    igd_plan *p = NULL;
    igd_evaluate_options o = options("square,apgd-ce", IGD_REPORT_UNION);
    o.checks = true;
    o.audit = 1.0;
    assert_ok(igd_plan_make(&p, &undefended, &o));
    assert_int_equal(p->num_main, 3);
    assert_int_equal(p->num_steps, 8);
    assert_int_equal(p->steps[3].kind, IGD_STEP_SATURATION);
    assert_int_equal(p->steps[3].repeats, 2);
    assert_true(job_value(&p->steps[3].jobs[0], "steps") == 200);
    assert_int_equal(p->steps[4].kind, IGD_STEP_RADIUS);
    assert_true(p->steps[4].jobs[0].threat.eps == 0.5);
    assert_int_equal(p->steps[5].kind, IGD_STEP_AUDIT);
    assert_false(p->steps[5].jobs[0].shortcuts);
    assert_int_equal(p->steps[7].kind, IGD_STEP_BESIDE); // what square fooled first
    assert_int_equal(p->steps[7].repeats, 2);
    assert_int_equal(p->num_entries, 2); // checks are no attacks of the report
    free(p);
}

// Counts of a robust image, as in AutoAttack's accounting less the work that is saved.
static void test_plan__forecast_counts_the_passes(void **state)
{
    (void)state;
    double f, b;
    igd_plan *p = plan(&undefended, "autoattack", IGD_REPORT_UNION);
    igd_attack_job_passes(&p->steps[1].jobs[0], &f, &b);
    assert_true(f == 101 && b == 100);
    igd_attack_job_passes(&p->steps[2].jobs[0], &f, &b);
    assert_true(f == 909 && b == 900);
    igd_attack_job_passes(&p->steps[3].jobs[0], &f, &b);
    assert_true(f == 1800 && b == 900);
    igd_attack_job_passes(&p->steps[4].jobs[0], &f, &b);
    assert_true(f == 5001 && b == 0);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__autoattack_has_its_four_members),
        cmocka_unit_test(test_plan__presets_are_those_of_the_versions),
        cmocka_unit_test(test_plan__worst_case_takes_transfers_first),
        cmocka_unit_test(test_plan__worst_case_in_full_keeps_autoattack_a_cascade),
        cmocka_unit_test(test_plan__without_a_defense_members_are_the_same),
        cmocka_unit_test(test_plan__prefixes_choose_what_is_attacked),
        cmocka_unit_test(test_plan__changes_reach_every_occurrence),
        cmocka_unit_test(test_plan__choices_are_set_by_name),
        cmocka_unit_test(test_plan__checks_follow_the_attacks),
        cmocka_unit_test(test_plan__forecast_counts_the_passes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
