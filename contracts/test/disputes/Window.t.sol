// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {DisputesFixture} from "./DisputesFixture.sol";

/// @notice The window of a claim, and the budgets of its games, grow with the steps that somebody has to
/// repeat.
contract WindowTest is DisputesFixture {
    function claimOfSteps(uint32 steps) private returns (uint256) {
        terms.steps = steps;
        return claimRoot(keccak256("whatever"));
    }

    function test_claim_windowGrowsWithSteps() external {
        uint256 short = claimOfSteps(1);
        uint256 long = claimOfSteps(100);
        assertEq(
            disputes.claimOf(long).windowEnd - disputes.claimOf(short).windowEnd,
            99 * STEP_SECONDS,
            "99 steps more"
        );
        assertEq(disputes.claimOf(long).windowEnd, block.timestamp + disputes.windowOf(100), "windowOf");
        assertEq(disputes.claimCount(), 2, "claims");
        uint256[] memory ids = new uint256[](2);
        (ids[0], ids[1]) = (long, short);
        assertEq(abi.encode(disputes.claimsOf(ids)[0]), abi.encode(disputes.claimOf(long)), "claimsOf");
        assertEq(abi.encode(disputes.claimsOf(ids)[1]), abi.encode(disputes.claimOf(short)), "claimsOf");
        vm.warp(disputes.claimOf(long).windowEnd);
        disputes.settle(short);
        vm.expectRevert(IDisputes.WindowOpen.selector);
        disputes.settle(long);
        vm.warp(block.timestamp + 1);
        disputes.settle(long);
    }

    function test_claim_revertsIfRunTakesTooLongToRepeat() external {
        uint32 most = disputes.MAX_REPEAT_SECONDS() / STEP_SECONDS;
        claimOfSteps(most);
        assertClaimReverts(most + 1);
        assertClaimReverts(type(uint32).max);
        assertClaimReverts(0);
    }

    function assertClaimReverts(uint32 steps) private {
        terms.steps = steps;
        uint256 bond = disputes.claimBond(terms);
        vm.prank(CLAIMANT);
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.claim{value: bond}(terms, "whatever");
        vm.expectRevert(IDisputes.BadTerms.selector);
        disputes.windowOf(steps);
    }

    function testFuzz_windowOf_hasTimeForEveryStep(uint32 steps, uint32 more) external view {
        uint32 most = disputes.MAX_REPEAT_SECONDS() / STEP_SECONDS;
        steps = uint32(bound(steps, 1, most));
        more = uint32(bound(more, 0, most - steps));
        uint256 window = disputes.windowOf(steps);
        assertGe(window, uint256(steps) * STEP_SECONDS, "time to repeat the run");
        assertEq(disputes.windowOf(steps + more) - window, uint256(more) * STEP_SECONDS, "longer runs");
    }

    function test_challenge_givesBothSidesTimeToRepeatRun() external {
        uint256 game = challengeAs(claimOfSteps(3), CHALLENGER);
        uint256 other = challengeAs(claimOfSteps(50), CHALLENGER);
        assertEq(disputes.gameOf(game).clock.claimantLeft, BUDGET, "claimant, three steps");
        assertEq(disputes.gameOf(other).clock.claimantLeft, BUDGET + 47 * STEP_SECONDS, "claimant");
        assertEq(disputes.gameOf(other).clock.challengerLeft, BUDGET + 47 * STEP_SECONDS, "challenger");
        uint256 most = disputes.maxSeconds(terms);
        terms.steps = 3;
        // The longer game has the same number of moves but for one more reveal and pick.
        assertEq(most - disputes.maxSeconds(terms), 4 * 47 * STEP_SECONDS + 2 * EXTENSION, "maxSeconds");
    }
}
