// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "../../src/IHandoffs.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {SampleRun} from "../disputes/SampleRun.sol";
import {Trees} from "../disputes/Trees.sol";
import {HandoffsFixture} from "./HandoffsFixture.sol";

contract BlameTest is HandoffsFixture {
    SampleRun.Execution private right;
    SampleRun.Execution private said;
    uint256 private claim;
    uint256 private game;

    /// @dev The claimant has lost its claim: the device's weights after step 1 were false.
    function setUp() public override {
        super.setUp();
        depositAs(DEVICE, 1 ether);
        _keep(right, honestExecution());
        _keep(said, faultyExecution(1, SampleRun.NEXT));
        (claim, game) = loseClaim(said, right);
    }

    /// @dev Nested lists in memory cannot be assigned to storage without the IR compiler.
    function _keep(SampleRun.Execution storage to, SampleRun.Execution memory from) private {
        (to.root, to.stepLeaves) = (from.root, from.stepLeaves);
        for (uint256 i; i < from.steps.length; ++i) {
            SampleRun.Step storage step = to.steps.push();
            (step.before, step.roots, step.leaves) =
            (from.steps[i].before, from.steps[i].roots, from.steps[i].leaves);
            for (uint256 j; j < from.steps[i].tensors.length; ++j) {
                step.tensors.push(from.steps[i].tensors[j]);
            }
        }
    }

    function convicted() private {
        convict(DEVICE_KEY, said, 1, 1, refute(said, right, 1, 1));
    }

    function blame(IHandoffs.Loss memory loss) private {
        handoffs.blame(DEVICE, handoffOf(said, 1, 1), terms, loss);
    }

    /// @dev The call has to revert with this error. Hashing is a call of its own in the EVM, so everything is
    /// computed before.
    function refuses(bytes memory error, IHandoffs.Loss memory loss) private {
        refuses(error, DEVICE, handoffOf(said, 1, 1), loss);
    }

    function refuses(
        bytes memory error,
        address device,
        IHandoffs.Handoff memory h,
        IHandoffs.Loss memory loss
    ) private {
        vm.expectRevert(error);
        handoffs.blame(device, h, terms, loss);
    }

    function plain(bytes4 selector) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector);
    }

    function notLost(uint256 about) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IHandoffs.NotLost.selector, about);
    }

    function theLoss() private view returns (IHandoffs.Loss memory) {
        return lossOf(game, said.steps[1], 1, 0);
    }

    function lost() private view returns (uint256) {
        return disputes.claimOf(claim).bond;
    }

    /// [V-76]
    function test_blame_passesLossToSigner() external {
        assertTrue(disputes.claimOf(claim).lost);
        assertEq(disputes.gameOf(game).slot, SampleRun.NEXT);
        convicted();
        vm.expectEmit(address(handoffs));
        emit IHandoffs.Blamed(claim, DEVICE, lost(), 1 ether - lost());
        // Whoever calls, the author of the claim is paid.
        vm.prank(OTHER_DEVICE);
        blame(theLoss());
        assertEq(creditOf(CLAIMANT), lost());
        assertEq(creditOf(OTHER_DEVICE), 0);
        assertEq(handoffs.burned(), 1 ether - lost());
        assertEq(handoffs.paidFor(claim), lost());
    }

    /// [V-76]
    function test_blame_paysWhatBondHas() external {
        vm.prank(OTHER_DEVICE);
        handoffs.deposit{value: 1000}(run, CLAIMANT, uint64(block.timestamp + 30 days));
        IHandoffs.Handoff memory h = handoffOf(said, 1, 1);
        convict(OTHER_KEY, said, 1, 1, refute(said, right, 1, 1));
        handoffs.blame(OTHER_DEVICE, h, terms, theLoss());
        assertEq(creditOf(CLAIMANT), 1000);
        assertEq(handoffs.burned(), 0);
        // The claim was lost over two devices' handoffs, which said the same: the other pays the rest.
        convicted();
        blame(theLoss());
        assertEq(creditOf(CLAIMANT), lost(), "never more than the claim's bond");
    }

    /// [V-77]
    function test_blame_revertsIfBondHasPaid() external {
        convicted();
        blame(theLoss());
        refuses(plain(IHandoffs.NoBond.selector), theLoss());
    }

    /// [V-77] A second false claim of the same author over the same handoff gets nothing.
    function test_blame_revertsIfBondHasPaidForOtherClaim() external {
        (, uint256 second) = loseClaim(said, right);
        convicted();
        blame(theLoss());
        refuses(plain(IHandoffs.NoBond.selector), lossOf(second, said.steps[1], 1, 0));
    }

    /// [V-77]
    function test_blame_revertsIfClaimIsPaidFor() external {
        depositAs(OTHER_DEVICE, 1 ether);
        convicted();
        convict(OTHER_KEY, said, 1, 1, disputes.claimCount() - 1);
        blame(theLoss());
        IHandoffs.Handoff memory h = handoffOf(said, 1, 1);
        refuses(abi.encodeWithSelector(IHandoffs.AlreadyPaid.selector, claim), OTHER_DEVICE, h, theLoss());
    }

    /// [V-74]
    function test_blame_revertsIfHandoffIsNotConvicted() external {
        refuses(plain(IHandoffs.NotConvicted.selector), theLoss());
        convicted();
        IHandoffs.Handoff memory other = handoffOf(said, 1, 0);
        refuses(plain(IHandoffs.NotConvicted.selector), DEVICE, other, lossOf(game, said.steps[1], 0, 0));
    }

    /// [V-78] A conviction at another step does not pay for this loss.
    function test_blame_revertsIfHandoffIsOfOtherStep() external {
        SampleRun.Execution memory other = faultyExecution(0, SampleRun.NEXT);
        convict(DEVICE_KEY, other, 0, 1, refute(other, right, 0, 1));
        IHandoffs.Handoff memory h = handoffOf(other, 0, 1);
        refuses(notLost(game), DEVICE, h, lossOf(game, other.steps[0], 1, 0));
    }

    /// [V-78]
    function test_blame_revertsIfTermsAreNotTheClaims() external {
        convicted();
        IDisputes.Terms memory other = terms;
        other.data = keccak256("other data");
        IHandoffs.Handoff memory h = handoffOf(said, 1, 1);
        IHandoffs.Loss memory loss = theLoss();
        vm.expectRevert(notLost(game));
        handoffs.blame(DEVICE, h, other, loss);
    }

    /// [V-78]
    function test_blame_revertsIfClaimIsNotLostOrGameIsNotOver() external {
        convicted();
        uint256 second = claimRoot(said.root);
        uint256 open = challengeAs(second, CHALLENGER);
        refuses(notLost(open), lossOf(open, said.steps[1], 1, 0));
        // It goes on down to the slot, and to the accumulators or the judge, but not to the end.
        while (disputes.gameOf(open).slotHash == 0) assertTrue(playMove(open, said, right, 0));
        refuses(notLost(open), lossOf(open, said.steps[1], 1, 0));
        // Another game beats the claim meanwhile.
        uint256 other = challengeAs(second, OTHER_CHALLENGER);
        playOut(other, said, right, 0);
        assertTrue(disputes.claimOf(second).lost);
        refuses(notLost(open), lossOf(open, said.steps[1], 1, 0));
        blame(lossOf(other, said.steps[1], 1, 0));
        assertEq(creditOf(CLAIMANT), lost());
    }

    /// [V-78] A challenger that falls silent at the false slot loses its game, and the claim goes on.
    function test_blame_revertsIfClaimantWonGame() external {
        convicted();
        uint256 won = challengeAs(claimRoot(said.root), CHALLENGER);
        while (disputes.gameOf(won).slotHash == 0 || disputes.gameOf(won).clock.claimantToMove) {
            assertTrue(playMove(won, said, right, 0));
        }
        vm.warp(block.timestamp + 30 days);
        disputes.timeout(won);
        assertEq(disputes.gameOf(won).slot, SampleRun.NEXT);
        refuses(notLost(won), lossOf(won, said.steps[1], 1, 0));
    }

    /// [V-78] The claimant fell silent before it opened the slot.
    function test_blame_revertsIfSlotWasNotOpened() external {
        convicted();
        uint256 silent = challengeAs(claimRoot(said.root), CHALLENGER);
        while (disputes.gameOf(silent).phase != IDisputes.Phase.Slot) {
            assertTrue(playMove(silent, said, right, 0));
        }
        vm.warp(block.timestamp + 30 days);
        disputes.timeout(silent);
        assertEq(disputes.gameOf(silent).slot, SampleRun.NEXT);
        refuses(notLost(silent), lossOf(silent, said.steps[1], 1, 0));
    }

    /// [V-78] The claimant was silent, and the game ended before the slot was opened.
    function test_blame_revertsIfGameEndedElsewhere() external {
        convicted();
        uint256 second = claimRoot(said.root);
        uint256 silent = challengeAs(second, CHALLENGER);
        vm.warp(block.timestamp + 30 days);
        disputes.timeout(silent);
        refuses(notLost(silent), lossOf(silent, said.steps[1], 1, 0));
        // This one ended at the sum.
        SampleRun.Execution memory other = faultyExecution(1, SampleRun.SUM);
        (, uint256 third) = loseClaim(other, right);
        assertEq(disputes.gameOf(third).slot, SampleRun.SUM);
        refuses(notLost(third), lossOf(third, said.steps[1], 1, 0));
    }

    /// [V-78] The claimant used other inputs than the device signed, or shows others.
    function test_blame_revertsIfTensorsAreNotInTrace() external {
        convicted();
        IHandoffs.Loss memory loss = theLoss();
        loss.inputs[0].root = keccak256("another tensor");
        refuses(plain(IHandoffs.OtherTensors.selector), loss);
        loss = theLoss();
        loss.outputs[0].root = keccak256("another tensor");
        refuses(plain(IHandoffs.OtherTensors.selector), loss);
        loss = theLoss();
        loss.inputProofs[1] = loss.inputProofs[0];
        refuses(plain(IHandoffs.NotInTrace.selector), loss);
        loss = theLoss();
        loss.proof = loss.inputProofs[0];
        refuses(plain(IHandoffs.NotInTrace.selector), loss);
    }

    /// [V-78] The device lied about inputs that are not those of the claim. Its bond is forfeited, but the
    /// claimant, which computed something else, bears its own loss.
    function test_blame_revertsIfClaimUsedOtherInputs() external {
        SampleRun.Execution memory other = faultyExecution(1, SampleRun.CLIP);
        // From a false scale the device signs the weights of `said`, which the scale does not give.
        other.steps[1].roots[SampleRun.NEXT] = said.steps[1].roots[SampleRun.NEXT];
        other.steps[1].tensors[SampleRun.NEXT] = said.steps[1].tensors[SampleRun.NEXT];
        SampleRun.Execution memory fromScale = faultyExecution(1, SampleRun.CLIP);
        convict(DEVICE_KEY, other, 1, 1, refute(other, fromScale, 1, 1));
        IHandoffs.Handoff memory h = handoffOf(other, 1, 1);
        IHandoffs.Loss memory loss = lossOf(game, other.steps[1], 1, 0);
        for (uint256 i; i < 2; ++i) {
            loss.inputProofs[i] = Trees.proof(said.steps[1].leaves, loss.inputs[i].slot);
        }
        loss.proof = Trees.proof(said.steps[1].leaves, SampleRun.NEXT);
        refuses(plain(IHandoffs.NotInTrace.selector), DEVICE, h, loss);
    }

    /// [V-79] A dishonest claimant shows a false norm in its trace, and an accomplice concedes it and
    /// disputes the scale, which the device computed rightly. The claimant loses, and nobody else.
    function test_blame_revertsIfAccompliceConcedesFalseIntermediateTensor() external {
        SampleRun.Execution memory framed = honestExecution();
        SampleRun.Execution memory accomplice = honestExecution();
        bytes32 wrong = faultyExecution(2, SampleRun.NORM).steps[2].roots[SampleRun.NORM];
        bytes memory tensor = faultyExecution(2, SampleRun.NORM).steps[2].tensors[SampleRun.NORM];
        _put(framed, SampleRun.NORM, tensor, wrong);
        _put(accomplice, SampleRun.NORM, tensor, wrong);
        SampleRun.Execution memory other = faultyExecution(2, SampleRun.CLIP);
        _put(
            accomplice,
            SampleRun.CLIP,
            other.steps[2].tensors[SampleRun.CLIP],
            other.steps[2].roots[SampleRun.CLIP]
        );
        (uint256 second, uint256 ended) = loseClaim(framed, accomplice);
        assertTrue(disputes.claimOf(second).lost);
        assertEq(disputes.gameOf(ended).slot, SampleRun.CLIP, "at the device's output");
        IHandoffs.Handoff memory h = handoffOf(framed, 2, 0);
        refuses(plain(IHandoffs.NotConvicted.selector), DEVICE, h, lossOf(ended, framed.steps[2], 0, 1));
        // A claim that the hop gives something else does not stand if anyone looks at it: the device does.
        IHandoffs.Hop memory hop = hopOf(framed.steps[2], 0);
        uint256 about = claimHop(CLAIMANT, hop, hopOf(other.steps[2], 0).outputs);
        IDisputes.Terms memory made = handoffs.hopTerms(terms, hop);
        uint256 bond = disputes.challengeBond(made);
        vm.prank(DEVICE);
        uint256 defence = disputes.challenge{value: bond}(about, made);
        vm.warp(block.timestamp + 30 days);
        disputes.timeout(defence);
        IHandoffs.Signature memory signature = sign(DEVICE_KEY, h);
        vm.expectRevert(abi.encodeWithSelector(IHandoffs.NotRefuted.selector, about));
        handoffs.convict(DEVICE, h, signature, terms, hop, about);
    }

    function _put(SampleRun.Execution memory s, uint256 slot, bytes memory tensor, bytes32 root)
        private
        pure
    {
        (s.steps[2].tensors[slot], s.steps[2].roots[slot]) = (tensor, root);
        s.steps[2].leaves[slot] = Merkle.leaf(root);
    }

    /// [V-79] The device is the claimant's own: it pays itself, and is out of what Disputes burned.
    function test_blame_gainsNothingIfDeviceIsClaimants() external {
        convicted();
        uint256 own = DEVICE.balance + CLAIMANT.balance;
        blame(theLoss());
        uint256 drawn = creditOf(CLAIMANT) + creditOf(DEVICE) + disputes.credit(CLAIMANT);
        // Before: 100 each, less the bonds. The claim about the hop stands, so its bond is among the credits.
        assertEq(own + drawn + handoffs.burned() + lost(), 200 ether);
    }

    /// [V-75] A device that contradicts itself before it is blamed keeps nothing from the claimant.
    function test_blame_paysThoughBondIsForfeited() external {
        IHandoffs.Handoff memory one = handoffOf(right, 1, 1);
        IHandoffs.Handoff memory two = handoffOf(said, 1, 1);
        handoffs.contradict(DEVICE, one, sign(DEVICE_KEY, one), two, sign(DEVICE_KEY, two));
        convicted();
        blame(theLoss());
        assertEq(creditOf(CLAIMANT), lost());
    }

    /// [V-71] The bond of another claimant is not touched.
    function test_blame_revertsIfBondIsForOtherClaimant() external {
        vm.prank(OTHER_DEVICE);
        handoffs.deposit{value: 1 ether}(run, CHALLENGER, uint64(block.timestamp + 30 days));
        convict(OTHER_KEY, said, 1, 1, refute(said, right, 1, 1));
        IHandoffs.Handoff memory h = handoffOf(said, 1, 1);
        refuses(plain(IHandoffs.NoBond.selector), OTHER_DEVICE, h, theLoss());
    }
}
