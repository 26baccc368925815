using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>What the parent knows of a case that lives in the worker; see <see cref="ConformanceCase"/>.</summary>
public sealed record CaseInfo(string Id, CaseKind Kind, string? Op, Precision? Precision, bool Dense, bool Moe)
{
    public static CaseInfo Of(ConformanceCase conformanceCase)
    {
        ArgumentNullException.ThrowIfNull(conformanceCase);
        (bool dense, bool moe) = conformanceCase.Occurs;
        return new(conformanceCase.Id, conformanceCase.Kind, conformanceCase.Op, conformanceCase.Precision, dense, moe);
    }

    /// <summary>Whether the id matches a glob: '*' for any run of characters, '/' included, and '?' for one.</summary>
    public bool Matches(string glob) => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(glob, Id, ignoreCase: false);
}
