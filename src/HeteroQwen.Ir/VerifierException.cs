namespace HeteroQwen.Ir;

/// <summary>A graph breaks a rule of <see cref="Verifier"/>. The message has the rule, what was found, and the operation.</summary>
public sealed class VerifierException(string rule, string demand, string found, Operation? operation)
    : Exception($"rule {rule}: {demand}; found {found}{(operation is null ? "" : $", in: {GraphPrinter.PrintOperation(operation)}")}")
{
    public string Rule { get; } = rule;

    public string Demand { get; } = demand;

    /// <summary>What was found, without the operation's line.</summary>
    public string Found { get; } = found;

    /// <summary>The operation at fault; null where a declaration or an output is.</summary>
    public Operation? Operation { get; } = operation;
}
