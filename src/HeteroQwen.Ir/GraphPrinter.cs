using System.Collections.Immutable;
using System.Text;

namespace HeteroQwen.Ir;

/// <summary>
/// Writes a graph in its text form, which <see cref="GraphParser"/> reads back: declarations with their types in one column, one
/// operation a line, long ones wrapped, and the operations of each layer under a comment with the prefix that their names share.
/// </summary>
/// <remarks>A line depends on its own operation alone (declarations: on their section), so that texts of two graphs compare well.</remarks>
public static class GraphPrinter
{
    /// <summary>Version of the text form, on its first line.</summary>
    public const int Version = 1;

    internal const string FormatName = "heteroqwen.ir";

    private const int Width = 128;
    private const string Indent = "  ";
    private const string WrappedIndent = "      ";

    public static string Print(Graph graph)
    {
        StringBuilder text = new($"{FormatName} {Version}\ngraph {AttributeValue.Quote(graph.Name)} {{\n");
        bool empty = true;
        void Section(bool any, Action print)
        {
            if (any)
            {
                text.Append(empty ? "" : "\n");
                print();
                empty = false;
            }
        }

        Section(graph.Inputs.Length > 0, () => PrintDeclarations(text, "input", graph.Inputs));
        Section(graph.Constants.Length > 0, () => PrintDeclarations(text, "const", graph.Constants));
        Section(graph.States.Length > 0, () => PrintDeclarations(text, "state", graph.States));
        Section(graph.Operations.Length > 0, () => PrintOperations(text, graph.Operations));
        Section(graph.Outputs.Length > 0, () => PrintOutputs(text, graph.Outputs));
        return text.Append("}\n").ToString();
    }

    /// <summary>The operation as one line of the text form, as ledgers and messages show it.</summary>
    public static string PrintOperation(Operation operation) =>
        $"{Head(operation)}{Names(operation.Operands)}){Attributes(operation)} : {Types(operation)}";

    private static void PrintDeclarations(StringBuilder text, string keyword, ImmutableArray<Value> values)
    {
        int width = values.Max(v => v.Name.Length);
        string? layer = LayerOf(values[0]);
        foreach (Value value in values)
        {
            // A layer has many constants, but only two states.
            text.Append(value.Kind != ValueKind.Constant || LayerOf(value) == layer ? "" : "\n");
            layer = LayerOf(value);
            text.Append($"{Indent}{keyword} %{value.Name.PadRight(width)} : {value.Type}\n");
        }
    }

    private static void PrintOperations(StringBuilder text, ImmutableArray<Operation> operations)
    {
        string? layer = null;
        bool first = true;
        foreach (Operation operation in operations)
        {
            string? own = LayerOf(operation.Results[0]);
            if (own != layer)
            {
                text.Append(first ? "" : "\n").Append(own is null ? "" : $"{Indent}// {own}\n");
            }

            (layer, first) = (own, false);
            string line = Indent + PrintOperation(operation);
            text.Append(line.Length <= Width ? line : Wrapped(operation)).Append('\n');
        }
    }

    private static void PrintOutputs(StringBuilder text, ImmutableArray<GraphOutput> outputs)
    {
        foreach (GraphOutput output in outputs)
        {
            text.Append($"{Indent}output {AttributeValue.Quote(output.Name)} = %{output.Value.Name}\n");
        }
    }

    private static string Head(Operation operation) => $"{Names(operation.Results)} = {operation.Definition.Name}(";

    private static string Names(IEnumerable<Value> values) => string.Join(", ", values.Select(v => $"%{v.Name}"));

    private static string Types(Operation operation) => string.Join(", ", operation.Results.Select(r => r.Type));

    private static string Attributes(Operation operation) => operation.Attributes.Count == 0 ? "" : $" {{{operation.Attributes}}}";

    /// <summary>The operands on lines of their own, as many on each as fit, then attributes and types.</summary>
    private static string Wrapped(Operation operation)
    {
        StringBuilder text = new(Indent + Head(operation));
        int column = Width;
        for (int i = 0; i < operation.Operands.Length; i++)
        {
            string item = $"%{operation.Operands[i].Name}{(i == operation.Operands.Length - 1 ? ")" : ",")}";
            bool fits = column + 1 + item.Length <= Width;
            text.Append(fits ? " " : $"\n{WrappedIndent}").Append(item);
            column = (fits ? column + 1 : WrappedIndent.Length) + item.Length;
        }

        string attributes = Attributes(operation);
        return text.Append($"\n{WrappedIndent}{(attributes.Length == 0 ? "" : attributes[1..] + " ")}: {Types(operation)}").ToString();
    }

    /// <summary><c>layers.0</c> of <c>layers.0.mlp.x</c>: the name up to its first number that more follows, or null.</summary>
    private static string? LayerOf(Value value)
    {
        string[] parts = value.Name.Split('.');
        int number = Array.FindIndex(parts, part => part.Length > 0 && part.All(char.IsAsciiDigit));
        return number > 0 && number < parts.Length - 1 ? string.Join('.', parts.Take(number + 1)) : null;
    }
}
