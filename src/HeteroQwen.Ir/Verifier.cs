using System.Collections.Immutable;
using System.Diagnostics;

namespace HeteroQwen.Ir;

/// <summary>
/// The rules that each graph obeys, beyond what an op's constraints say of one use: run on every text that is parsed, and after
/// every pass in tests and Debug builds.
/// </summary>
public static class Verifier
{
    /// <summary>The rules in the order in which they are checked: one may take for granted those before it.</summary>
    public static ImmutableArray<VerifierRule> Rules { get; } =
    [
        new("defined", "each value is defined once, by this graph, before it is used", VerifierRules.Defined),
        new("names", "names are unique, and 1 to 256 letters, digits, '_' and '.'", VerifierRules.Names),
        new("types", "types are well formed", VerifierRules.Types),
        new("constraints", "the op's constraints hold", VerifierRules.Constraints),
        new("inferred", "results have the types that the op infers", VerifierRules.Inferred),
        new("versions", "the result that updates a state is a version of it, and no other result is one", VerifierRules.Versions),
        new("state-operands", "an op that works on a state is given one", VerifierRules.StateOperands),
        new("state-uses", "a state is used only where an op takes a state, or as the table of gather_rows", VerifierRules.StateUses),
        new("newest", "a state is read and updated in its newest version", VerifierRules.Newest),
        new("constant-views", "reshape is the only view of a constant", VerifierRules.ConstantViews),
        new("outputs", "outputs have unique names and are values of the graph, but not states", VerifierRules.Outputs),
    ];

    /// <summary>Returns if the graph obeys all rules.</summary>
    /// <exception cref="VerifierException">A rule is broken; the first in order is reported.</exception>
    public static void Verify(Graph graph)
    {
        foreach (VerifierRule rule in Rules)
        {
            if (rule.Check(graph) is Finding finding)
            {
                throw new VerifierException(rule.Name, rule.Demand, finding.Message, finding.Operation);
            }
        }
    }

    /// <summary><see cref="Verify"/> in Debug builds; nothing in others.</summary>
    [Conditional("DEBUG")]
    public static void VerifyInDebug(Graph graph) => Verify(graph);
}

/// <summary>A rule of <see cref="Verifier"/>, as <c>docs/ir.md</c> lists it.</summary>
public sealed class VerifierRule
{
    internal VerifierRule(string name, string demand, Func<Graph, Finding?> check) => (Name, Demand, Check) = (name, demand, check);

    public string Name { get; }

    public string Demand { get; }

    /// <summary>The first breach, or null.</summary>
    internal Func<Graph, Finding?> Check { get; }
}

/// <summary>What breaks a rule, and where.</summary>
internal sealed record Finding(Operation? Operation, string Message);
