namespace HeteroQwen.Ir.Tests;

public sealed class ConstraintTests
{
    public static TheoryData<int> Violated => [.. Enumerable.Range(0, Uses.Violating.Length)];

    [Theory]
    [MemberData(nameof(Violated))]
    public void Infer_of_a_violating_use_names_op_label_and_constraint(int index)
    {
        (string label, OpUse use) = Uses.Violating[index];

        var e = Assert.Throws<ConstraintException>(() => use.Infer());

        Assert.True((e.Op, e.Label) == (use.Op, label), $"{use} should break {label}: {e.Message}");
        string constraint = use.Definition.Constraints[int.Parse(label[1..]) - 1];
        Assert.StartsWith($"{use.Op} {label}: {constraint}; found ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_constraint_of_every_op_has_a_violating_use()
    {
        var labels = OpCatalog.All.SelectMany(op => op.Constraints.Select((_, i) => $"{op.Name} C{i + 1}"));
        var violated = Uses.Violating.Select(v => $"{v.Use.Op} {v.Label}").ToHashSet();

        Assert.Empty(labels.Except(violated));
    }
}
