using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Tests;

// Alone, since the leak cases look at the memory of the whole process.
[CollectionDefinition(nameof(RuntimeCaseTests), DisableParallelization = true)]
[Collection(nameof(RuntimeCaseTests))]
public sealed class RuntimeCaseTests
{
    [Fact]
    public void Cases_have_ids_of_their_own_and_pass_on_both_backends()
    {
        using Device cpu = Device.Open(new CpuBackend(), 0, Attributes.Empty);
        using Device reference = Device.Open(new ReferenceBackend(), 0, Attributes.Empty);
        foreach (CaseContext context in (CaseContext[])[new(new CpuBackend(), cpu, reference, 7), new(new ReferenceBackend(), reference, cpu, 7)])
        {
            ConformanceCase[] cases = [.. RuntimeCases.All(Profile.Quick, context.Device.Capabilities)];
            Assert.Equal(cases.Length, cases.Select(c => c.Id).Distinct().Count());
            Assert.All(cases, c => Assert.StartsWith("runtime/", c.Id, StringComparison.Ordinal));
            CaseResult[] results = [.. cases.Select(c => c.Run(context))];
            Assert.DoesNotContain(results, r => r.Status is not (CaseStatus.Pass or CaseStatus.Unsupported));
            Assert.All(results, r => Assert.Equal(r.Status == CaseStatus.Unsupported, r.Reason is not null));
        }
    }
}
