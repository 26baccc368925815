using HeteroQwen.Backends;

namespace HeteroQwen.Runtime;

/// <summary>
/// Which kernels have still to be prepared from a constant, and what they did with its bytes: when the last one is prepared, what
/// reading the constant took of host memory can be given back.
/// </summary>
internal sealed class ConstantReaders
{
    private readonly Dictionary<string, int> _left;
    private readonly HashSet<string> _readWhole = new(StringComparer.Ordinal);
    private readonly HashSet<string> _kept = new(StringComparer.Ordinal);

    /// <param name="constants">Names of the constants that each kernel reads.</param>
    public ConstantReaders(IEnumerable<IEnumerable<string>> constants) =>
        _left = constants.SelectMany(names => names.Distinct()).CountBy(name => name).ToDictionary(StringComparer.Ordinal);

    /// <summary>Whether a kernel has read all the bytes, to pack them: all their pages are in memory, whoever reads some of them later.</summary>
    public bool WasReadWhole(string name) => _readWhole.Contains(name);

    /// <summary>Whether a kernel goes on reading the bytes.</summary>
    public bool IsKept(string name) => _kept.Contains(name);

    /// <summary>Notes that a kernel is prepared, and returns those of its constants that none is prepared from after it.</summary>
    public IEnumerable<string> Prepared(IEnumerable<string> names, KernelInfo kernel)
    {
        foreach (string name in names.Distinct())
        {
            if (kernel.KeepsHostConstants)
            {
                _kept.Add(name);
            }

            if (!kernel.KeepsHostConstants || kernel.ConstantBytes > 0)
            {
                _readWhole.Add(name);
            }

            if (--_left[name] == 0)
            {
                yield return name;
            }
        }
    }
}
