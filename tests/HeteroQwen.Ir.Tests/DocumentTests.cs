using System.Text.RegularExpressions;

namespace HeteroQwen.Ir.Tests;

/// <summary>Holds docs/ir.md to the code.</summary>
public sealed partial class DocumentTests
{
    private static readonly string s_document =
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "ir.md")).ReplaceLineEndings("\n");

    public static TheoryData<string> Ops => [.. OpCatalog.All.Select(op => op.Name)];

    [Fact]
    public void Document_has_one_entry_for_each_op_in_the_order_of_the_catalog() =>
        Assert.Equal(OpCatalog.All.Select(op => op.Name), EntryHeading().Matches(s_document).Select(m => m.Groups[1].Value));

    [Theory]
    [MemberData(nameof(Ops))]
    public void Entry_lists_each_constraint_verbatim_with_its_label(string name)
    {
        Assert.True(OpCatalog.TryGet(name, out OpDefinition? op));

        Assert.Equal(
            op.Constraints.Select((text, i) => $"- **C{i + 1}** {text}"),
            Entry(name).Split('\n').Where(line => line.StartsWith("- **C", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Ops))]
    public void Entry_names_each_operand_and_attribute(string name)
    {
        Assert.True(OpCatalog.TryGet(name, out OpDefinition? op));
        var attributes = Uses.Valid.Where(v => v.Use.Op == name).SelectMany(v => v.Use.Attributes).Select(a => a.Key);

        foreach (string described in op.OperandNames.Select(o => o.TrimEnd('.')).Concat(attributes))
        {
            Assert.Contains($"`{described}`", Entry(name), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Ops))]
    public void Entry_has_a_decomposition_or_opened_form_if_the_op_is_a_composite(string name)
    {
        Assert.True(OpCatalog.TryGet(name, out OpDefinition? op));

        Assert.Equal(op.Class == OpClass.Inner, Entry(name).Contains("\nDecomposition: ", StringComparison.Ordinal));
        Assert.Equal(op.Class == OpClass.Block, Entry(name).Contains("\nSemantics: the opened form", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Ops))]
    public void Entry_has_an_example_that_parses_and_verifies(string name)
    {
        string example = Example().Match(Entry(name)).Groups[1].Value;

        Graph graph = GraphParser.Parse($"heteroqwen.ir 1 graph \"example\" {{\n{example}\n}}", name);

        Assert.Contains(graph.Operations, operation => operation.Definition.Name == name);
    }

    [Fact]
    public void Document_opens_with_an_example_in_the_form_that_prints()
    {
        string example = Example().Match(s_document).Groups[1].Value;

        Assert.Equal(example, GraphPrinter.Print(GraphParser.Parse(example)));
    }

    [Fact]
    public void Document_lists_each_element_type_with_its_block()
    {
        foreach (ElementType type in ElementTypes.All)
        {
            Assert.Contains($"\n| `{type.Name()}` | {type.BlockElements()} | {type.BlockBytes()} | ", s_document, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Document_lists_each_rule_of_the_verifier_with_its_demand() => Assert.Equal(
        Verifier.Rules.Select(rule => $"| `{rule.Name}` | {rule.Demand} |"),
        s_document[s_document.IndexOf("# The verifier", StringComparison.Ordinal)..].Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal)));

    private static string Entry(string name)
    {
        int start = s_document.IndexOf($"\n### `{name}`\n", StringComparison.Ordinal) + 1;
        Match end = NextHeading().Match(s_document, start + 1);
        return s_document[start..(end.Success ? end.Index : s_document.Length)];
    }

    [GeneratedRegex("^### `(.*)`$", RegexOptions.Multiline)]
    private static partial Regex EntryHeading();

    [GeneratedRegex("^#+ ", RegexOptions.Multiline)]
    private static partial Regex NextHeading();

    [GeneratedRegex("```text\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
