// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICrowdfund} from "../../src/ICrowdfund.sol";
import {IJobs} from "../../src/IJobs.sol";
import {IOwnership} from "../../src/IOwnership.sol";
import {IPayments} from "../../src/IPayments.sol";
import {ITrainingRecord} from "../../src/ITrainingRecord.sol";
import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "../../src/disputes/MerkleSha256.sol";
import {Test} from "../Test.sol";
import {Trees} from "../disputes/Trees.sol";
import {MintableToken} from "./TestTokens.sol";

/// @notice Deploys the contracts of paid training with the real Disputes, and does what their users do.
/// Workers claim three made-up roots: a claim stands if nobody challenges it, and a claimant that is
/// challenged stays silent and loses.
abstract contract MarketFixture is Test {
    uint32 internal constant STEP_SECONDS = 10 minutes;
    /// @dev Of a claim of `STEPS` steps. The deployment has less, and adds `STEP_SECONDS` for each step.
    uint32 internal constant WINDOW = 1 hours;
    address internal constant COIN = address(0);
    uint256 internal constant TOTAL = 1_000_000;
    uint32 internal constant STEPS = 3;

    address internal constant REQUESTER = address(0xA5CE4);
    address internal constant WORKER = address(0x304CE4);
    address internal constant OTHER = address(0x07E4);
    address internal constant CHALLENGER = address(0xD0B7E4);

    IDisputes internal disputes;
    IPayments internal payments;
    IOwnership internal ownership;
    IJobs internal jobs;
    ICrowdfund internal crowdfund;
    ITrainingRecord internal training;
    MintableToken internal token;

    function deployMarket() internal {
        vm.warp(1_800_000_000);
        address judge = vm.deployCode("Judge.sol:Judge");
        disputes = IDisputes(
            vm.deployCode(
                "Disputes.sol:Disputes",
                abi.encode(
                    judge,
                    WINDOW - STEPS * STEP_SECONDS,
                    STEP_SECONDS,
                    2 hours - STEPS * STEP_SECONDS,
                    uint32(10 minutes),
                    1e12
                )
            )
        );
        payments = IPayments(vm.deployCode("Payments.sol:Payments"));
        ownership = IOwnership(vm.deployCode("Ownership.sol:Ownership", abi.encode(payments)));
        jobs = IJobs(vm.deployCode("Jobs.sol:Jobs", abi.encode(payments, disputes, ownership)));
        crowdfund = ICrowdfund(vm.deployCode("Crowdfund.sol:Crowdfund", abi.encode(jobs)));
        training = ITrainingRecord(vm.deployCode("TrainingRecord.sol:TrainingRecord", abi.encode(disputes)));
        token = new MintableToken();
        fund(REQUESTER);
        fund(WORKER);
        fund(OTHER);
        fund(CHALLENGER);
    }

    /// @dev Gives an account coin and tokens, and approves every contract to take the tokens.
    function fund(address who) internal {
        vm.deal(who, 1000 ether);
        token.mint(who, 1000 ether);
        approveAll(who, address(token));
    }

    function approveAll(address who, address asset) internal {
        address[4] memory spenders =
            [address(payments), address(jobs), address(crowdfund), address(ownership)];
        for (uint256 i; i < 4; ++i) {
            vm.prank(who);
            MintableToken(asset).approve(spenders[i], type(uint256).max);
        }
    }

    // ------------------------------------------------------------ runs

    function termsOf(uint256 seed) internal pure returns (IDisputes.Terms memory) {
        return IDisputes.Terms(keccak256("program"), bytes32(seed), keccak256("initial"), STEPS, 9, 2);
    }

    function hashOf(IDisputes.Terms memory terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    function rootAfter(uint256 seed, uint256 step) internal pure returns (bytes32) {
        return keccak256(abi.encode("root", seed, step));
    }

    function leaves(uint256 seed) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](STEPS);
        for (uint256 i; i < STEPS; ++i) {
            hashes[i] = Merkle.leaf(rootAfter(seed, i));
        }
    }

    function proofOf(uint256 seed, uint256 step) internal pure returns (bytes32[] memory) {
        return Trees.proof(leaves(seed), step);
    }

    // ------------------------------------------------------------ actions

    /// @dev Claims on Disputes the roots of `seed` under the terms of `seed`.
    function claimRun(address who, uint256 seed) internal returns (uint256) {
        return claimRoot(who, seed, Trees.root(leaves(seed)));
    }

    function claimRoot(address who, uint256 seed, bytes32 root) internal returns (uint256) {
        IDisputes.Terms memory terms = termsOf(seed);
        uint256 bond = disputes.claimBond(terms);
        vm.prank(who);
        return disputes.claim{value: bond}(terms, root);
    }

    /// @dev A challenger wins against the silent claimant.
    function defeatClaim(uint256 claim, uint256 seed) internal {
        IDisputes.Terms memory terms = termsOf(seed);
        uint256 bond = disputes.challengeBond(terms);
        vm.prank(CHALLENGER);
        uint256 game = disputes.challenge{value: bond}(claim, terms);
        vm.warp(block.timestamp + 5 hours);
        disputes.timeout(game);
    }

    function passWindow() internal {
        vm.warp(block.timestamp + WINDOW + 1);
    }

    function orderOf(uint256 seed, address asset) internal pure returns (IJobs.Order memory) {
        return IJobs.Order({
            terms: hashOf(termsOf(seed)),
            about: keccak256("about"),
            token: asset,
            price: 10 ether,
            bond: 1 ether,
            claimSeconds: 1 days,
            workSeconds: 2 hours,
            workerShares: 300_000,
            steps: STEPS
        });
    }

    function valueFor(address asset, uint256 amount) internal pure returns (uint256) {
        return asset == COIN ? amount : 0;
    }

    function post(uint256 seed, address asset) internal returns (uint256) {
        IJobs.Order memory order = orderOf(seed, asset);
        vm.prank(REQUESTER);
        return jobs.post{value: valueFor(asset, order.price)}(order);
    }

    function claimAs(address who, uint256 job) internal {
        IJobs.Job memory j = jobs.jobOf(job);
        vm.prank(who);
        jobs.claim{value: valueFor(j.token, j.bond)}(job);
    }

    function deliver(address who, uint256 job, uint256 seed) internal returns (uint256 claim) {
        claim = claimRun(who, seed);
        deliverClaim(who, job, seed, claim);
    }

    function deliverClaim(address who, uint256 job, uint256 seed, uint256 claim) internal {
        bytes32[] memory proof = proofOf(seed, STEPS - 1);
        vm.prank(who);
        jobs.deliver(job, claim, termsOf(seed), rootAfter(seed, STEPS - 1), proof);
    }

    function escrowBalance(uint256 job) internal view returns (uint256) {
        return payments.escrowOf(jobs.jobOf(job).escrow).held;
    }

    function assertJobState(uint256 job, IJobs.State state, string memory what) internal view {
        assertEq(uint256(jobs.jobOf(job).state), uint256(state), what);
    }
}
